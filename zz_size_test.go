package session
import ("testing";"unsafe")
func TestSizes(t *testing.T){ t.Log(unsafe.Sizeof(Session{}), unsafe.Sizeof(visit{}), unsafe.Sizeof(handled{})) }
