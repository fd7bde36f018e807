package codec

import "unsafe"

// Frozen returns b as a string, without a copy. Nobody may write to the bytes of b afterwards. Call it only for bytes that
// nobody else has, and for the Data of a [driver.Record], which nobody may change after the record was handed over.
func Frozen(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
