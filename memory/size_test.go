package memory

import (
	"testing"
	"unsafe"
)

// TestNodeSize is for the memory that a session takes: one byte more would move a node to the allocator's next size, 96 bytes.
func TestNodeSize(t *testing.T) {
	if size := unsafe.Sizeof(node{}); size > 80 {
		t.Errorf("a node has %d bytes, over 80", size)
	}
}
