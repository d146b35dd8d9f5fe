package main

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

const (
	// frameBytes is what a datagram adds to its payload on the wire as HTB counts
	// it: Ethernet header 14, IPv4 20, UDP 8 (no frame check sequence).
	frameBytes = 14 + 20 + 8
	maxPayload = 65507 // of a UDP datagram over IPv4
	// defaultBlast fits one frame even where a tunnel takes 50 of the 1500 bytes.
	defaultBlast = 1400
	bufferBytes  = 4 << 20 // asked for; the kernel gives up to net.core.rmem_max
)

// socket is a blocking UDP socket. Package net would add a resolver and a poller,
// and with them more than a megabyte.
type socket int

// listen opens a socket on a port, 0 for any.
func listen(port int) (socket, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	// Best effort: a smaller buffer loses datagrams, which the figures then show.
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, bufferBytes)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port}); err != nil {
		syscall.Close(fd)
		return 0, fmt.Errorf("bind to UDP port %d: %w: is it in use?", port, err)
	}
	return socket(fd), nil
}

func (s socket) close() { syscall.Close(int(s)) }

// timeout limits how long receive blocks.
func (s socket) timeout(d time.Duration) error {
	tv := syscall.NsecToTimeval(max(d, time.Microsecond).Nanoseconds())
	return syscall.SetsockoptTimeval(int(s), syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv)
}

// receive returns ok false when the timeout passed.
func (s socket) receive(buf []byte) (n int, from syscall.Sockaddr, ok bool, err error) {
	for {
		n, from, err = syscall.Recvfrom(int(s), buf, 0)
		switch {
		case err == nil:
			return n, from, true, nil
		case errors.Is(err, syscall.EINTR), errors.Is(err, syscall.ECONNREFUSED):
			// The runtime's own signals end a receive that has a timeout (signal(7));
			// a refusal is news of an earlier datagram.
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil, false, nil
		default:
			return 0, nil, false, fmt.Errorf("receive: %w", err)
		}
	}
}

// send reports whether the datagram went; one that finds no route or no room yet is
// lost, as on a wire.
func (s socket) send(payload []byte, to syscall.Sockaddr) (bool, error) {
	for {
		err := syscall.Sendto(int(s), payload, 0, to)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH),
			errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.ECONNREFUSED):
			return false, nil
		default:
			return false, fmt.Errorf("send: %w", err)
		}
	}
}

func echo(args []string, _ io.Writer) error {
	if err := count(args, 1, 1); err != nil {
		return err
	}
	port, err := parsePort(args[0])
	if err != nil {
		return err
	}
	s, err := listen(port)
	if err != nil {
		return err
	}
	return echoOn(s)
}

func echoOn(s socket) error {
	buf := make([]byte, maxPayload)
	for {
		n, from, ok, err := s.receive(buf)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if _, err := s.send(buf[:n], from); err != nil {
			return err
		}
	}
}
