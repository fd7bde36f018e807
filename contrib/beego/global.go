package sessionbeego

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"

	beegosession "github.com/beego/beego/v2/server/web/session"
)

// beego's manager sees only the cookies of a request. So FilterChain adds a cookie to the request that beego sees, and
// never to a response. The cookie names the request, and beego's manager passes the name to bridge.
const (
	visitCookie  = "session-of-this-request"
	providerName = "github.com/seed1a8f7c28/session"
)

// GlobalSessions returns a manager for web.GlobalSessions. With it, a controller's SessionRegenerateID and DestroySession
// work on the session of [FilterChain]. Without it they panic, because SessionOn is off. Do not use it for anything else:
// it sets no cookie, and returns an error for a request that did not come through FilterChain.
func GlobalSessions() *beegosession.Manager {
	beegosession.Register(providerName, bridge{})
	m, err := beegosession.NewManager(providerName, &beegosession.ManagerConfig{CookieName: visitCookie})
	if err != nil {
		panic(err) // cannot happen: the provider is registered, and starts nothing
	}
	return m
}

// visits contains the running requests by the value of their cookie.
var visits = visiting{stores: make(map[string]*store)}

type visiting struct {
	mu     sync.Mutex
	stores map[string]*store
}

// enter names the request of s until leave is called. It puts its cookie before any that a client may have sent under the
// same name.
func (v *visiting) enter(s *store) (leave func()) {
	name := rand.Text()
	cookies := append([]string{visitCookie + "=" + name}, s.r.Header.Values("Cookie")...)
	s.r = s.r.Clone(s.r.Context())
	s.r.Header.Set("Cookie", strings.Join(cookies, "; "))
	v.mu.Lock()
	v.stores[name] = s
	v.mu.Unlock()
	return func() {
		v.mu.Lock()
		delete(v.stores, name)
		v.mu.Unlock()
	}
}

func (v *visiting) find(name string) (*store, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.stores[name]; s != nil {
		return s, nil
	}
	return nil, errNoFilter
}

// bridge is the provider of the manager that GlobalSessions returns. Its sids are the names of requests.
type bridge struct{}

var _ beegosession.Provider = bridge{}

func (bridge) SessionInit(context.Context, int64, string) error { return nil }

func (bridge) SessionExist(_ context.Context, name string) (bool, error) {
	_, err := visits.find(name)
	return err == nil, nil
}

func (bridge) SessionRead(_ context.Context, name string) (beegosession.Store, error) {
	s, err := visits.find(name)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// SessionRegenerate gives the session a new sid made by the manager, and ignores the one that beego has made.
func (bridge) SessionRegenerate(_ context.Context, name, _ string) (beegosession.Store, error) {
	s, err := visits.find(name)
	if err != nil {
		return nil, err
	}
	sess, err := s.session()
	if err == nil {
		err = sess.Regenerate(s.context())
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// SessionDestroy ends the session. beego drops its error, but the manager has reported it to its ErrorHandler and log.
func (bridge) SessionDestroy(_ context.Context, name string) error {
	s, err := visits.find(name)
	if err == nil {
		s.m.SessionDestroy(s.w, s.r)
	}
	return err
}

func (bridge) SessionAll(context.Context) int { return 0 }

func (bridge) SessionGC(context.Context) {}
