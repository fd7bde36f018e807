package session

import (
	"testing"
	"unsafe"
)

// TestSizes is for memory and speed: each request allocates one of these.
func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		name       string
		size, most uintptr
	}{
		{"a Session", unsafe.Sizeof(Session{}), 96},
		{"a Session with a request of its own", unsafe.Sizeof(ownSession{}), 208},
		{"what Handler needs", unsafe.Sizeof(handling{}), 632},
	} {
		if tt.size > tt.most {
			t.Errorf("%s has %d bytes, over %d: what most requests do not need belongs to extras or to the log", tt.name, tt.size, tt.most)
		}
	}
}
