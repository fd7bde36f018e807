package nats

// What tests must know of the index, and of the entries.
const (
	Step = step
	Kept = kept
)
