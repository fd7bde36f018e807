package session_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed1a8f7c28/session"
)

// An application that has its own form of identifiers can make the sids too. Nobody may be able to guess them: rand.Text
// has at least 128 random bits.
func ExampleCfgSessionIDGenerator() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig(
		session.CfgSessionIdPrefix("shop_"),
		session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return rand.Text(), nil }),
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	cookie := visit(func(w http.ResponseWriter, r *http.Request) {
		sess, err := sessions.Start(w, r)
		if err != nil {
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		sess.SessionRelease(r.Context(), w)
	}, nil)
	fmt.Println(strings.HasPrefix(cookie.Value, "shop_"), len(cookie.Value) >= len("shop_")+26)

	_, err = session.ParseConfig([]byte(`{"sessionIDGenerator": "uuid"}`))
	fmt.Println(err)
	// Output:
	// true true
	// session: config: SessionIDGenerator: can be set only in Go code: set ManagerConfig.SessionIDGenerator (line 1, column 2)
}

// The methods Encode and Decode of gorilla's securecookie fit without changes, as they do in go-sessions. Here other
// functions stand in for them.
func ExampleCfgCookieEncode() {
	encode := func(name string, sid any) (string, error) { return "v1." + sid.(string), nil }
	decode := func(name, value string, sid any) error {
		text, ok := strings.CutPrefix(value, "v1.")
		if !ok {
			return fmt.Errorf("%s is not one of ours", name)
		}
		*sid.(*string) = text
		return nil
	}
	sessions, err := session.NewManager("memory", session.NewManagerConfig(
		session.CfgCookieEncode(encode), session.CfgCookieDecode(decode)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	sess, err := sessions.Start(w, r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(w.Result().Cookies()[0].Value == "v1."+sess.SessionID(r.Context()))
	// Output:
	// true
}

// One process serves several shops, each on a domain of its own. The cookie of each response is for the domain of its host.
func ExampleCfgCookieAttributes() {
	sessions, err := session.NewManager("memory", session.NewManagerConfig(
		session.CfgCookieAttributes(func(x session.Exchange, c *http.Cookie) {
			for _, host := range x.RequestHeader("Host") {
				if strings.HasSuffix(host, ".tea.example") {
					c.Domain = "tea.example"
				}
			}
		}),
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	for _, host := range []string{"www.tea.example", "cups.example"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "https://"+host+"/", nil)
		sess, err := sessions.Start(w, r)
		if err != nil {
			fmt.Println(err)
			return
		}
		sess.SessionRelease(r.Context(), w)
		fmt.Printf("%s: %q\n", host, w.Result().Cookies()[0].Domain)
	}
	// Output:
	// www.tea.example: "tea.example"
	// cups.example: ""
}
