package workload

import (
	"fmt"
	"strings"
)

// Check returns an error unless app behaves as the measurements require: later requests read what one request has stored,
// with the right value and type, and no other visitor does.
func Check(app *App) error {
	send := func(kind Kind, cookie, want string) (string, error) {
		c := app.NewClient(Op{Kind: kind})
		if err := c.Send(cookie); err != nil {
			return "", fmt.Errorf("%s: %w", kind, err)
		}
		if got := c.Body(); got != want {
			return "", fmt.Errorf("%s answers %q, want %q", kind, got, want)
		}
		return c.Cookies(cookie), nil
	}
	cookie, err := send(Begin, "", "begun")
	if err != nil {
		return err
	}
	stranger, err := send(Begin, "", "begun")
	if err != nil {
		return err
	}
	for _, step := range []struct {
		kind Kind
		want string
	}{{ReadAll, "right"}, {Read, Ann}, {Write, Bob}, {Read, Bob}, {ReadAll, "right"}, {Write, Ann}, {Read, Ann}, {Write, Bob}} {
		if cookie, err = send(step.kind, cookie, step.want); err != nil {
			return err
		}
	}
	if _, err := send(Read, stranger, Ann); err != nil {
		return fmt.Errorf("another session: %w", err)
	}
	if err := app.NewClient(Op{Kind: Read}).Send(""); err == nil || !strings.Contains(err.Error(), ErrNoSession.Error()) {
		return fmt.Errorf("a request without a cookie: %v, want %v", err, ErrNoSession)
	}
	return nil
}
