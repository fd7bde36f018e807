package codec

import "unsafe"

// Frozen returns b as a string, without a copy. From then on nobody may write to the bytes of b: not the caller, and not
// whoever else has them. Only bytes that were just made for this one use are frozen, and those of a [driver.Record]'s
// Data, which nobody changes once they are handed over.
func Frozen(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
