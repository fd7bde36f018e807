package rediscall

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrUnexpected replaces the client's error for an answer that it could not parse, because that error quotes the answer.
var ErrUnexpected = errors.New("the answer of the server was not understood")

// Cause returns what an engine wraps of err, the client's error. It is the error of ctx if ctx is done.
func Cause(ctx context.Context, err error) error {
	switch deadline, ok := ctx.Deadline(); {
	case ctx.Err() != nil:
		return ctx.Err()
	case ok && !time.Now().Before(deadline): // the client noticed it first, on the connection
		return context.DeadlineExceeded
	case Quotes(err):
		return ErrUnexpected
	}
	return err
}

// Quotes reports whether the text of err contains a part of an answer.
func Quotes(err error) bool {
	if _, answered := errors.AsType[redis.Error](err); answered {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "can't parse") || strings.Contains(text, "invalid reply")
}
