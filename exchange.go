package session

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// An Exchange is one request and its response as a Manager sees them. It connects a Manager to an HTTP stack. The Manager
// gives header names in canonical form. It keeps an Exchange for as long as the Session that it has returned is used, and
// calls it from one goroutine at a time. Strings and slices that the methods return must not change afterwards.
type Exchange interface {
	// Context returns the context of the request.
	Context() context.Context
	// Method returns the method of the request. "" means GET.
	Method() string
	// RequestHeader returns the lines of a request header, or nil if there is none. Host is among the headers.
	RequestHeader(name string) []string
	// SetRequestHeader replaces all lines of a request header by one line, for code that reads the request later. An empty
	// value removes the header.
	SetRequestHeader(name, value string)
	// Query returns the encoded query of the URL, without "?".
	Query() string
	// SetQuery replaces the query, for code that reads the request later.
	SetQuery(query string)
	// TLS reports whether the client's connection to this process is encrypted.
	TLS() bool
	// RemoteAddr returns the address from which the connection comes, with or without a port.
	RemoteAddr() string
	// ResponseHeader returns the lines that a response header has so far.
	ResponseHeader(name string) []string
	// SetResponseHeader replaces all lines of a response header. If lines is empty, it removes the header. The Exchange may
	// keep lines.
	SetResponseHeader(name string, lines []string)
}

// A Committer is an [Exchange] that knows when the response headers can no longer be changed. Changes that need a response
// header then return [ErrCommitted]. [Manager.HandleExchange] knows that by itself and does not need a Committer.
type Committer interface {
	// Committed reports whether the response headers are sent, or can no longer be changed.
	Committed() bool
}

// An Answerer is an [Exchange] on which ErrorHandler can write a response when the session could not be saved.
type Answerer interface {
	// Answer returns a w that replaces the application's response by what is written to it. The header of w is that of the
	// response, without the headers that describe the content. r is the request that ErrorHandler gets.
	Answer() (w http.ResponseWriter, r *http.Request)
}

// httpExchange is the Exchange of net/http. If w is nil, nothing is answered.
type httpExchange struct {
	w http.ResponseWriter
	r *http.Request
}

func (x *httpExchange) Context() context.Context { return x.r.Context() }

func (x *httpExchange) Method() string { return x.r.Method }

func (x *httpExchange) RequestHeader(name string) []string {
	if name == "Host" && x.r.Host != "" { // net/http keeps it apart
		return []string{x.r.Host}
	}
	return x.r.Header[name]
}

func (x *httpExchange) SetRequestHeader(name, value string) {
	if value == "" {
		delete(x.r.Header, name)
		return
	}
	if x.r.Header == nil {
		x.r.Header = make(http.Header)
	}
	x.r.Header[name] = []string{value}
}

func (x *httpExchange) Query() string {
	if x.r.URL == nil {
		return ""
	}
	return x.r.URL.RawQuery
}

func (x *httpExchange) SetQuery(query string) {
	if x.r.URL != nil {
		x.r.URL.RawQuery = query
	}
}

func (x *httpExchange) TLS() bool { return x.r.TLS != nil }

func (x *httpExchange) RemoteAddr() string { return x.r.RemoteAddr }

func (x *httpExchange) ResponseHeader(name string) []string {
	if x.w == nil {
		return nil
	}
	return x.w.Header()[name]
}

func (x *httpExchange) SetResponseHeader(name string, lines []string) {
	switch {
	case x.w == nil:
	case len(lines) == 0:
		delete(x.w.Header(), name)
	default:
		x.w.Header()[name] = lines
	}
}

// Answer implements [Answerer].
func (x *httpExchange) Answer() (http.ResponseWriter, *http.Request) { return x.w, x.r }

// requestOf returns the *http.Request behind x, or nil if there is none.
func requestOf(x Exchange) *http.Request {
	if h, ok := x.(*httpExchange); ok {
		return h.r
	}
	return nil
}

// queryValue returns the first value of a query parameter without decoding it, since a sid needs no escapes.
func queryValue(query, name string) string {
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key == name {
			return value
		}
	}
	return ""
}

// withQueryValue returns query with one parameter set, or removed if value is empty.
func withQueryValue(query, name, value string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if key, _, _ := strings.Cut(pair, "="); pair != "" && key != name {
			kept = append(kept, pair)
		}
	}
	if value != "" {
		kept = append(kept, name+"="+url.QueryEscape(value))
	}
	return strings.Join(kept, "&")
}
