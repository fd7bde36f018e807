package couchbase

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/couchbase/gocb/v2"
	"github.com/couchbase/gocbcore/v10"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/cas"
)

// answerOf returns the client's answer about a document as package cas expects it, and other errors explained.
func answerOf(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gocb.ErrDocumentNotFound):
		return cas.ErrMiss
	case errors.Is(err, gocb.ErrCasMismatch):
		return cas.ErrChanged
	case errors.Is(err, gocb.ErrDocumentExists):
		return cas.ErrTaken
	case errors.Is(err, gocb.ErrValueTooLarge):
		return fmt.Errorf("%w for the server's limit of 20 MiB", driver.ErrTooLarge)
	}
	return explain(ctx, err)
}

// explain returns the cause of an error of the client without its text, which contains the key of the document. If ctx is
// done, the result wraps the error of ctx, too.
func explain(ctx context.Context, err error) error {
	if cause := known(err); cause != nil {
		err = cause
	} else {
		err = errUnknown
	}
	deadline, ok := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	case ok && !time.Now().Before(deadline): // the client noticed it first
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}

// errUnknown stands for an error of the client that quotes what it was asked.
var errUnknown = errors.New("the client reports an error that is not known here")

// known returns the error of the client's list that err wraps, nil for none.
func known(err error) error {
	for _, cause := range []error{
		gocb.ErrAmbiguousTimeout, gocb.ErrUnambiguousTimeout, gocb.ErrTimeout, gocb.ErrRequestCanceled,
		gocb.ErrDurabilityAmbiguous, gocb.ErrDurabilityImpossible, gocb.ErrDurabilityLevelNotAvailable,
		gocb.ErrDurableWriteInProgress, gocb.ErrDurableWriteReCommitInProgress, gocb.ErrTemporaryFailure,
		gocb.ErrAuthenticationFailure, gocb.ErrBucketNotFound, gocb.ErrScopeNotFound, gocb.ErrCollectionNotFound,
		gocb.ErrDocumentLocked, gocb.ErrFeatureNotAvailable, gocb.ErrInternalServerFailure, gocb.ErrOverload,
		gocb.ErrInvalidArgument, gocb.ErrUnsupportedOperation, gocb.ErrCircuitBreakerOpen, gocb.ErrRateLimitedFailure,
		gocb.ErrQuotaLimitedFailure,
	} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return cert
	}
	op, broken := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, gocb.ErrShutdown), errors.Is(err, gocbcore.ErrShutdown):
		return driver.ErrClosed
	case broken && op.Op == "dial":
		return op // it names the address
	case broken, errors.Is(err, io.EOF):
		return errBroken
	}
	return nil
}

// errBroken says that the connection ended during a call, which may have been made.
var errBroken = errors.New("the connection has ended")

// Cut implements [cas.Items].
func (*client) Cut(err error) bool {
	return errors.Is(err, errBroken) || errors.Is(err, gocb.ErrAmbiguousTimeout) || errors.Is(err, gocb.ErrDurabilityAmbiguous) ||
		errors.Is(err, gocb.ErrRequestCanceled)
}
