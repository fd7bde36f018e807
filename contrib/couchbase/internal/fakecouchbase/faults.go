package fakecouchbase

import "sync"

// A fate is what becomes of one request.
type fate int

const (
	answered fate = iota
	dropped       // run, and the connection closed instead of an answer
	lost          // not run, and the connection closed
	held          // run, and never answered
)

// faults count down the requests that are still to go wrong.
type faults struct {
	mu     sync.Mutex
	fates  []fate // one for each of the next mutations
	status status
	failed int
}

// DropAnswers runs the next n mutations and closes the connection instead of answering. The client cannot know whether
// they were run. Mutations are ADD, SET, REPLACE, DELETE, TOUCH and GAT.
func (s *Server) DropAnswers(n int) { s.faults.plan(dropped, n) }

// DropRequests closes the connection on receipt of the next n mutations without running them. To the client this looks
// like [Server.DropAnswers].
func (s *Server) DropRequests(n int) { s.faults.plan(lost, n) }

// HoldAnswers runs the next n mutations and never answers. The connection stays open and later requests are answered,
// so the client's timeout decides.
func (s *Server) HoldAnswers(n int) { s.faults.plan(held, n) }

// Fail answers the next n requests with this status and does not run them. Only requests for an item count (GET and
// the mutations), because clients connect, poll the cluster map and ping on their own schedule.
// A later call replaces an earlier one; n 0 ends it.
func (s *Server) Fail(status uint16, n int) { s.faults.fail(status, n) }

func (f *faults) plan(ft fate, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range n {
		f.fates = append(f.fates, ft)
	}
}

func (f *faults) fail(code uint16, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status, f.failed = status(code), n
}

// nextFailure takes one failure, if any is left.
func (f *faults) nextFailure() (status, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed == 0 {
		return success, false
	}
	f.failed--
	return f.status, true
}

// nextFate takes the fate of one mutation.
func (f *faults) nextFate() fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.fates) == 0 {
		return answered
	}
	ft := f.fates[0]
	f.fates = f.fates[1:]
	return ft
}
