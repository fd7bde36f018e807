package setting

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

func TestWrong(t *testing.T) {
	for field, want := range map[string]string{"": "providerConfig", "db": "providerConfig.db"} {
		e, ok := errors.AsType[*driver.ConfigError](Wrong(field, "must be %d", 1))
		if !ok || e.Field != want || e.Err.Error() != "must be 1" {
			t.Errorf("%q: got %v", field, e)
		}
	}
}

func TestWithoutPath(t *testing.T) {
	_, err := os.Open("no such file")
	if got := WithoutPath(err); !errors.Is(got, os.ErrNotExist) || got.Error() == err.Error() {
		t.Errorf("got %v", got)
	}
	if err := errors.New("another"); WithoutPath(err) != err {
		t.Errorf("got %v", WithoutPath(err))
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90": 90 * time.Second, "1.5": 1500 * time.Millisecond, "-1": -time.Second, "1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond, "0": 0,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "null", "true", "soon", "1 s", "-", ".", "5d", "[1]"} {
		if got, err := ParseDuration(text); err != errDuration {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}
