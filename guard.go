package session

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// guarded calls f on a goroutine of the manager's own, where a panic in an application's handler or a provider would end
// the process. It logs the panic instead.
func (m *Manager) guarded(what string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			m.panicked(what, v)
		}
	}()
	f()
}

// panicked logs a panic and its stack. It leaves out the text of the panic, which may show a sid or a value, unless it is
// the runtime's own.
func (m *Manager) panicked(what string, v any) {
	defer func() { _ = recover() }() // of the Logger's
	text := fmt.Sprintf("%T", v)
	if err, ok := v.(runtime.Error); ok {
		text = err.Error()
	}
	m.log.Error("session: "+what+" panicked", "panic", text, "stack", string(debug.Stack()))
}

// reportAside is report for a goroutine of the manager's own.
func (m *Manager) reportAside(ctx context.Context, what string, err error) {
	if isHangUp(ctx, err) {
		return
	}
	m.guarded("the Logger", func() { m.logError(ctx, what, err) })
	m.guarded("ErrorHandler", func() { m.tellError(nil, err) })
}

var errPanicked = errors.New("session: the provider panicked")
