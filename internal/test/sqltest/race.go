//go:build race

package sqltest

// raced says that the race detector is on, under which SQLite, C that was translated, is many times slower.
const raced = true
