package merge

import (
	"context"
	"errors"
	"testing"
	"time"
)

// It becomes somebody's turn who has just given up waiting for it: nothing of the turn is left.
func TestATurnOfWhoHasGivenUp(t *testing.T) {
	q := NewQueue()
	shard := q.shard("key")
	for range 100 {
		first, err := q.Enter(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		first.last.Version = 7
		ctx, cancel := context.WithCancel(t.Context())
		waits := make(chan error)
		go func() {
			second, err := q.Enter(ctx, "key")
			if err == nil {
				q.Leave("key", second)
			}
			waits <- err
		}()
		for users := 0; users < 2; time.Sleep(10 * time.Microsecond) {
			shard.mu.Lock()
			users = first.users
			shard.mu.Unlock()
		}
		shard.mu.Lock()
		cancel()
		time.Sleep(time.Millisecond) // it has given up, or is about to, and waits for mu
		shard.leave("key", first)
		shard.mu.Unlock()
		if err := <-waits; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if len(shard.turns) != 0 {
			t.Fatal("there is a turn that is nobody's")
		}
		next, err := q.Enter(t.Context(), "key")
		if err != nil || next.last.Version != 0 {
			t.Fatalf("the next turn begins at version %d, %v", next.last.Version, err)
		}
		q.Leave("key", next)
	}
}
