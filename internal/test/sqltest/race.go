//go:build race

package sqltest

// raced says that the race detector is on. It makes SQLite, which is translated from C, many times slower.
const raced = true
