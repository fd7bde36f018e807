package session

import (
	"testing"
	"unsafe"
)

// TestSizeOfASession is for memory and speed: each request allocates a Session.
func TestSizeOfASession(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 352 {
		t.Errorf("a Session has %d bytes, over 352: what most requests do not need belongs to extras or to the log", size)
	}
}
