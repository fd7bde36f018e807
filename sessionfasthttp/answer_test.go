package sessionfasthttp_test

import (
	"errors"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/sessionfasthttp"
)

// A saved session that others have ended changes nothing of what Start has answered.
func TestASaveLeavesTheResponseHeaderAlone(t *testing.T) {
	m := newManager(t)
	var ctx fasthttp.RequestCtx
	s, err := sessionfasthttp.Start(m, &ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "a", 1); err != nil {
		t.Fatal(err)
	}
	before := ctx.Response.Header.String()
	if err := m.GetProvider().SessionDestroy(t.Context(), s.SessionID(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Save = %v", err)
	}
	if after := ctx.Response.Header.String(); after != before {
		t.Errorf("the header was\n%s\nand is\n%s", before, after)
	}
}
