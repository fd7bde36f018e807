package session

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
)

// SLogger is where managers without a Logger write.
//
// Deprecated: set ManagerConfig.Logger.
var SLogger = NewSessionLog(log.Writer())

// Log is a log.Logger.
//
// Deprecated: set ManagerConfig.Logger.
type Log struct {
	*log.Logger
}

// NewSessionLog makes a Log that writes to out.
//
// Deprecated: set ManagerConfig.Logger.
func NewSessionLog(out io.Writer) *Log {
	return &Log{log.New(out, "[SESSION] ", log.LstdFlags)}
}

// defaultLogger writes to whatever SLogger is at that moment.
func defaultLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(sLoggerWriter{}, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey { // SLogger has its own
				return slog.Attr{}
			}
			return a
		},
	}))
}

type sLoggerWriter struct{}

func (sLoggerWriter) Write(line []byte) (int, error) {
	if l := SLogger; l != nil {
		l.Print(string(line))
	}
	return len(line), nil
}

// report tells the ErrorHandler and the log of an error that no return value carries. A client that went
// away is no error.
func (m *Manager) report(ctx context.Context, x Exchange, what string, err error) {
	ctx = orBackground(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	m.log.ErrorContext(ctx, "session: "+what, "error", err)
	if h := m.cfg.ErrorHandler; h != nil {
		h(nil, requestOf(x), err)
	}
}
