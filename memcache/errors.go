package memcache

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
)

// fail wraps an error of the client, once. It returns nil if there is none.
func fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("session/memcache: %s: %w", op, explain(err))
}

// answered reports whether err is what the server has said of an item.
func answered(err error) bool {
	switch err {
	case nil, memcache.ErrCacheMiss, memcache.ErrCASConflict, memcache.ErrNotStored:
		return true
	}
	return false
}

// broken reports whether err is of the connection, or of the attempt to make one.
func broken(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// cut reports whether err says that the connection has ended, but for a timeout. What was sent may have been done or
// not.
func cut(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return broken(err) && !(ok && (op.Op == "dial" || op.Timeout()))
}

// errUnexpected is instead of what gomemcache says of an answer that it does not understand, since it quotes from
// it: there may be a key or a value.
var errUnexpected = errors.New("the answer of the server was not understood")

// answers are those that say what is wrong.
var answers = []struct {
	line string // how it begins
	err  error
}{
	{"SERVER_ERROR object too large for cache", fmt.Errorf("%w for the server (its option -I)", driver.ErrTooLarge)},
	{"SERVER_ERROR out of memory", errors.New("the server is out of memory")},
	{"ERROR Too many open connections", errors.New("the server has too many connections (its option -c)")},
	{"CLIENT_ERROR unauthenticated", errors.New("the server wants a password, and the client can send none")},
}

// explain returns err without what it quotes.
func explain(err error) error {
	text := err.Error()
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return fmt.Errorf("the connection has ended: %w", err)
	case !strings.HasPrefix(text, "memcache: unexpected"):
		return err
	}
	line, _ := strconv.Unquote(text[strings.LastIndex(text, `: "`)+len(": "):])
	for _, a := range answers {
		if strings.HasPrefix(line, a.line) {
			return a.err
		}
	}
	return errUnexpected
}
