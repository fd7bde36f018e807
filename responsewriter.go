package session

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// errAnswered is the error of a handler's writes after ErrorHandler has answered instead.
var errAnswered = errors.New("session: save failed: an error response was sent instead")

// A responseWriter commits the session before anything commits the response. It has FlushError and Hijack even if the
// ResponseWriter beneath lacks them; otherwise http.ResponseController would look for them beneath and bypass the commit.
// If the one beneath lacks them, the call commits nothing.
type responseWriter struct {
	http.ResponseWriter
	d *deferred
}

// flushWriter is a responseWriter over an http.Flusher. Applications ask for that interface to learn
// whether they can stream.
type flushWriter struct{ *responseWriter }

func (w flushWriter) Flush() { _ = w.FlushError() }

// flusher returns w, as an http.Flusher if it can be one.
func (w *responseWriter) flusher() http.ResponseWriter {
	if _, ok := w.ResponseWriter.(http.Flusher); ok {
		return flushWriter{w}
	}
	return w
}

func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *responseWriter) WriteHeader(status int) {
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if informational && !w.d.isSent() || w.d.commit() {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if !w.d.commit() {
		return 0, errAnswered
	}
	return w.ResponseWriter.Write(p)
}

func (w *responseWriter) WriteString(s string) (int, error) {
	if !w.d.commit() {
		return 0, errAnswered
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom lets net/http send files without copying them through this process.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	if !w.d.commit() {
		return 0, errAnswered
	}
	return io.Copy(w.ResponseWriter, src)
}

func (w *responseWriter) FlushError() error {
	flushes := can[http.Flusher](w.ResponseWriter) || can[interface{ FlushError() error }](w.ResponseWriter)
	if flushes && !w.d.commit() {
		return errAnswered
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack commits first, because nobody sees what is written to the connection afterwards. The Set-Cookie lines are then in
// Header, for code that writes the response itself.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if can[http.Hijacker](w.ResponseWriter) && !w.d.commit() {
		return nil, nil, errAnswered
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// can reports whether w, or a ResponseWriter that it unwraps to, is a T itself.
func can[T any](w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case *responseWriter:
			w = t.ResponseWriter
		case flushWriter:
			w = t.ResponseWriter
		case T:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// An answerWriter is the ResponseWriter that ErrorHandler gets. It notes whether ErrorHandler has written to it.
type answerWriter struct {
	http.ResponseWriter
	begun bool
}

func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *answerWriter) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}
