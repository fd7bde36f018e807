//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package sql

import "syscall"

const canPeek = true

// isSilent reports whether reading from fd would have to wait. It takes nothing away. Go's sockets do not block.
func isSilent(fd uintptr) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
	return err == syscall.EAGAIN || err == syscall.EINTR
}
