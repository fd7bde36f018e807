package nats

// Step is what tests must know of the index.
const Step = step
