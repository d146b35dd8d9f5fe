package vsn

// What a message becomes on a link, where shapers and bounds count bytes: UDP over
// IPv4 over Ethernet.
const (
	MTU      Size = 1500     // bytes of IP packet in a frame
	MaxFrame Size = MTU + 14 // as tc counts it (skb->len): no preamble, no checksum
	payload  Size = MTU - 28 // bytes of message in a full frame
	overhead Size = 1514 - payload
)

// Wire is what a message of so many bytes is on a link: the number of frames, and
// their bytes as tc counts them.
func Wire(message Size) (frames int64, bytes Size) {
	frames = int64((message + payload - 1) / payload)
	return frames, message + Size(frames)*overhead
}
