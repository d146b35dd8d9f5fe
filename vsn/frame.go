package vsn

// What a message becomes on a link, where shapers and bounds count bytes.
const (
	MTU         Size = 1500          // bytes of IP packet in a frame
	EthernetHdr Size = 14            // what tc counts besides: no preamble, no checksum
	MaxFrame    Size = MTU + 14      // bytes
	headers     Size = 40 + 20 + 12  // IPv6, TCP, its timestamps: UDP and IPv4 need less
	payload     Size = MTU - headers // bytes of message in a full frame
)

// Wire is the most that a message of so many bytes is on a link: the number of
// frames, and their bytes as tc counts them. Acknowledgements go the other way and
// are not counted.
func Wire(message Size) (frames int64, bytes Size) {
	frames = int64((message + payload - 1) / payload)
	return frames, message + Size(frames)*(headers+EthernetHdr)
}
