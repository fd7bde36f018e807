package faulttest

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/goroutines"
)

// await limits how long the report of a session's end may take when nothing is measured.
const await = 40 * time.Second

// Told measures and logs how long after a logout on one node another node learns of it, and checks that the nodes leave
// nothing behind. Only a few in a hundred may take longer than a quarter of a second, unless the machine itself is that
// slow.
func Told(t *testing.T, open func() *session.Manager) {
	t.Helper()
	var m, other *session.Manager
	family := goroutines.NewFamily()
	family.Do(func() { m, other = open(), open() })
	var took []time.Duration
	late, pulse := 0, startPulse()
	defer pulse.stop()
	for range 100 {
		var done <-chan struct{}
		family.Do(func() { done = loggedIn(t, m, "ann") })
		if len(took) == 0 {
			settle(t, m, other)
		}
		begun := time.Now()
		logOut(t, other)
		select {
		case <-done:
		case <-time.After(await):
			t.Fatal("nobody says that the session has ended")
		}
		d := time.Since(begun)
		took = append(took, d)
		if d > 250*time.Millisecond+5*pulse.worst() {
			late++
		}
	}
	slices.Sort(took)
	t.Logf("median %v, 95 of 100 within %v, all within %v", took[50], took[94], took[99])
	if late > 5 {
		t.Errorf("%d of 100 came later than 250 ms", late)
	}
	for _, m := range []*session.Manager{m, other} {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	family.Gone(t)
}

// ToldAfter ends a session on one node while another cannot learn of it. The other node must find out afterwards. A session
// that is still live must go on, although it could not be checked meanwhile.
func ToldAfter(t *testing.T, m, other *session.Manager, outage func() (end func())) {
	t.Helper()
	done, others := loggedIn(t, m, "ann"), loggedIn(t, m, "bob")
	settle(t, m, other)
	end := outage()
	logOut(t, other)
	time.Sleep(2 * time.Second) // longer than a refused call is tried again
	end()
	select {
	case <-done:
	case <-time.After(await):
		t.Error("nobody has looked after the break")
	}
	select {
	case <-others:
		t.Error("a session has ended that could not be looked at")
	default:
	}
	if n, err := other.DestroyUser(t.Context(), "bob"); n != 1 || err != nil {
		t.Errorf("DestroyUser = %d, %v", n, err)
	}
}

// settle waits until m is told sooner than it would look by itself.
func settle(t *testing.T, m, other *session.Manager) {
	t.Helper()
	for end := time.Now().Add(await); time.Now().Before(end); {
		s, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if err == nil {
			err = s.Login(t.Context(), "settling")
		}
		if err != nil {
			t.Fatal(err)
		}
		done := s.Done()
		if _, err := other.DestroyUser(t.Context(), "settling"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
			return
		case <-time.After(session.PollInterval / 5):
		}
	}
	t.Fatal("nobody is told in time")
}

// loggedIn begins a session of user, and waits for its end.
func loggedIn(t *testing.T, m *session.Manager, user string) <-chan struct{} {
	t.Helper()
	s, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if err == nil {
		err = s.Login(t.Context(), user)
	}
	if err == nil {
		err = s.Save(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.Done()
}

func logOut(t *testing.T, m *session.Manager) {
	t.Helper()
	if n, err := m.DestroyUser(t.Context(), "ann"); n != 1 || err != nil {
		t.Fatalf("DestroyUser = %d, %v", n, err)
	}
}
