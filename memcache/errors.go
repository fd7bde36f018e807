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

// fail wraps an error of the client once. It returns nil for nil.
func fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("session/memcache: %s: %w", op, explain(err))
}

// answered reports whether err is the server's answer about an item.
func answered(err error) bool {
	switch err {
	case nil, memcache.ErrCacheMiss, memcache.ErrCASConflict, memcache.ErrNotStored:
		return true
	}
	return false
}

// broken reports whether err is an error of the connection, or of connecting.
func broken(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// cut reports whether err says that the connection has ended, except by a timeout. The command may or may not have been
// run.
func cut(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return broken(err) && !(ok && (op.Op == "dial" || op.Timeout()))
}

// errUnexpected replaces gomemcache's error for an answer that it does not understand, because that error quotes the
// answer, which may contain a key or a value.
var errUnexpected = errors.New("the answer of the server was not understood")

// answers are the answers that say what is wrong.
var answers = []struct {
	line string // the beginning of the answer
	err  error
}{
	{"SERVER_ERROR object too large for cache", fmt.Errorf("%w for the server's limit (its option -I)", driver.ErrTooLarge)},
	{"SERVER_ERROR out of memory", errors.New("the server is out of memory")},
	{"ERROR Too many open connections", errors.New("the server has too many connections (its option -c)")},
	{"CLIENT_ERROR unauthenticated", errors.New("the server requires a password, and the client cannot send one")},
}

// explain returns err without the text that it quotes.
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
