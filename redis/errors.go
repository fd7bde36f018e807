package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// fail wraps an error of the client once. If ctx is done, it wraps the error of ctx instead.
func fail(ctx context.Context, op string, err error) error {
	switch deadline, ok := ctx.Deadline(); {
	case ctx.Err() != nil:
		err = ctx.Err()
	case ok && !time.Now().Before(deadline): // the client noticed it first, on the connection
		err = context.DeadlineExceeded
	case quotes(err):
		err = errUnexpected
	}
	return fmt.Errorf("session/redis: %s: %w", op, err)
}

// errUnexpected replaces the client's error for an answer that it could not parse, because that error quotes the answer.
var errUnexpected = errors.New("the answer of the server was not understood")

// quotes reports whether the text of err contains a part of an answer.
func quotes(err error) bool {
	if _, answered := errors.AsType[redis.Error](err); answered {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "can't parse") || strings.Contains(text, "invalid reply")
}
