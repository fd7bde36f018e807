package workload

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		fake *fake
		want string // in the error, "" for none
	}{
		{"shares values", &fake{}, ""},
		{"copies values", &fake{copies: true}, ""},
		{"forgets a change", &fake{forgets: true}, `read answers "Ann Example", want "Bob Example"`},
		{"mixes visitors", &fake{mixes: true}, `read answers "Bob Example", want "Ann Example"`},
		{"returns another type", &fake{changes: func(key string, v any) any {
			if id, ok := v.(int64); ok {
				return float64(id)
			}
			return v
		}}, "id is float64"},
		{"invents a name", &fake{changes: func(key string, v any) any {
			if v == nil && key == "name" {
				return Ann
			}
			return v
		}}, "a request without a cookie"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Check(tt.fake.app())
			if tt.want == "" && err != nil {
				t.Error(err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLose(t *testing.T) {
	for _, tt := range []struct {
		name string
		fake *fake
		want Losses
	}{
		{"shares values", &fake{}, Losses{Kept: Writers, Undone: Nothing, Shared: true}},
		{"writes back copies", &fake{copies: true}, Losses{Kept: 1, Undone: AllValues}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Lose(tt.fake.app())
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

// TestLosePanics has a library whose late request does not survive the logout.
func TestLosePanics(t *testing.T) {
	f := new(fake)
	app := f.app()
	calls := Calls[HTTP, *fakeSession]{Open: f.open, Get: f.get, Destroy: f.destroy}
	calls.Set = func(c HTTP, s *fakeSession, key string, value any) error {
		f.mu.Lock()
		gone := f.sessions[s.id] == nil
		f.mu.Unlock()
		if gone {
			panic("gone")
		}
		return f.set(c, s, key, value)
	}
	app.HTTP = OnHTTP(calls, nil).HTTP
	if got, err := Lose(app); err != nil || got.Undone != Panics {
		t.Errorf("got %q, %v, want %q", got.Undone, err, Panics)
	}
}
