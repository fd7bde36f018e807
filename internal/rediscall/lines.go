package rediscall

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Lines receives the log lines of go-redis, which has one logger for the process. If an application sets another logger
// later, that one is used.
var Lines = lineLog{open: make(map[*slog.Logger]int), stderr: log.New(os.Stderr, "redis: ", log.LstdFlags|log.Lshortfile)}

func init() { redis.SetLogger(&Lines) }

// A lineLog passes the log lines of go-redis to the Loggers of all open providers, each line once per Logger, because a
// line does not say which client it is about. While no provider is open, lines go to stderr as they would without this
// package.
type lineLog struct {
	mu     sync.Mutex
	open   map[*slog.Logger]int // how many providers use it
	stderr *log.Logger
}

// Add makes lines go to l until Remove has been called as often as Add. It does nothing if l is nil.
func (s *lineLog) Add(l *slog.Logger) {
	if l == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[l]++
}

// Remove takes back one Add.
func (s *lineLog) Remove(l *slog.Logger) {
	if l == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[l]--; s.open[l] == 0 {
		delete(s.open, l)
	}
}

func (s *lineLog) loggers() []*slog.Logger {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make([]*slog.Logger, 0, len(s.open))
	for l := range s.open {
		open = append(open, l)
	}
	return open
}

// Printf implements the logger interface of go-redis.
func (s *lineLog) Printf(ctx context.Context, format string, args ...any) {
	open := s.loggers()
	if len(open) == 0 {
		const caller = 3 // Printf and go-redis' own function are in between
		s.stderr.Output(caller, fmt.Sprintf(format, args...))
		return
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if err, ok := arg.(error); ok && Quotes(err) {
			args[i] = ErrUnexpected
		}
	}
	text := "session: go-redis: " + fmt.Sprintf(format, args...)
	for _, l := range open {
		tell(ctx, l, levelOf(format), text)
	}
}

// tell recovers from a Logger that panics: go-redis logs from its own goroutines, where a panic would end the process.
func tell(ctx context.Context, l *slog.Logger, level slog.Level, text string) {
	defer func() { _ = recover() }()
	l.Log(ctx, level, text)
}

// levelOf returns the level of a line. go-redis also logs which master and which sentinels it has found, which is no
// problem.
func levelOf(format string) slog.Level {
	for _, found := range [...]string{"sentinel: new master", "sentinel: discovered", "sentinel: selected"} {
		if strings.HasPrefix(format, found) {
			return slog.LevelInfo
		}
	}
	return slog.LevelWarn
}
