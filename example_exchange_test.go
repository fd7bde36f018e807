package session_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed1a8f7c28/session"
)

// An event is a request on a platform without net/http, which calls a function and sends what the function returns.
type event struct{ In, Out http.Header }

func (e event) Context() context.Context                      { return context.Background() }
func (e event) RequestHeader(name string) []string            { return e.In[name] }
func (e event) Query() string                                 { return "" } // needed only for a sid in the URL
func (e event) SetQuery(string)                               {}
func (e event) Method() string                                { return "POST" }
func (e event) TLS() bool                                     { return true }
func (e event) RemoteAddr() string                            { return "" } // needed only for trustedProxies
func (e event) ResponseHeader(name string) []string           { return e.Out[name] }
func (e event) SetResponseHeader(name string, lines []string) { e.Out[name] = lines }

func (e event) SetRequestHeader(name, value string) {
	if e.In.Set(name, value); value == "" {
		e.In.Del(name)
	}
}

// serveEvent answers an event: it counts the events of the visitor.
func serveEvent(sessions *session.Manager, e event) (status int, body string) {
	status = http.StatusOK
	err := sessions.HandleExchange(e, func(h session.Handled) {
		ctx := h.Context(e.Context()) // for the application's functions
		sess, err := sessions.FromContext(ctx)
		if err != nil {
			status = http.StatusServiceUnavailable
			return
		}
		n, _ := sess.Increment(ctx, "events", 1)
		body = fmt.Sprintf("event number %d", n)
	})
	if err != nil { // the session could not be saved
		return http.StatusServiceUnavailable, ""
	}
	return status, body
}

// An Exchange connects a manager to any HTTP stack. Package sessionfasthttp contains one for fasthttp.
func ExampleManager_HandleExchange() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	first := event{make(http.Header), make(http.Header)}
	fmt.Println(serveEvent(sessions, first))
	cookie, attributes, _ := strings.Cut(first.Out.Get("Set-Cookie"), ";")
	fmt.Println(attributes)

	second := event{http.Header{"Cookie": {cookie}}, make(http.Header)}
	fmt.Println(serveEvent(sessions, second))
	// Output:
	// 200 event number 1
	//  Path=/; HttpOnly; SameSite=Lax; Secure
	// 200 event number 2
}
