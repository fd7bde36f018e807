package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/seed1a8f7c28/session"
)

// An app answers each request with the content of the session at its start, and with the changes that it has made.
type app struct {
	sessions *session.Manager
	json     bool // the codec is json, which keeps fewer types
}

// facts describe a session as text: its values by their keys, and everything else by the names below. In the changes made,
// "" means that something was removed.
type facts map[string]string

const (
	user   = "user"
	since  = "since" // when the user has logged in
	label  = "label"
	notice = "notice" // the flash message
	number = "number" // how many sessions there are or were, which is not a fact about this session
)

type answer struct{ Seen, Made facts }

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ans, err := a.answer(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	json.NewEncoder(w).Encode(ans) // Handler saves before the first byte is sent
}

func (a *app) answer(r *http.Request) (ans answer, err error) {
	s, err := a.sessions.FromContext(r.Context())
	if err != nil {
		return ans, err
	}
	if ans.Seen, err = a.seen(r.Context(), s); err != nil {
		return ans, err
	}
	ans.Made = facts{}
	return ans, a.do(r, s, ans.Made)
}

// seen reads the session without taking anything out of it.
func (a *app) seen(ctx context.Context, s *session.Session) (facts, error) {
	all, err := s.GetAll(ctx)
	if err != nil {
		return nil, err
	}
	seen := facts{}
	for key, value := range all {
		seen[fmt.Sprint(key)] = show(value)
	}
	if name := s.User(); name != "" {
		seen[user], seen[since] = name, show(s.AuthTime().UTC().Truncate(time.Millisecond))
	}
	if text := s.Label(ctx); text != "" {
		seen[label] = text
	}
	if message := s.PeekFlash(ctx, notice); message != nil {
		seen[notice] = show(message)
	}
	return seen, nil
}

// do makes the change that the request asks for.
func (a *app) do(r *http.Request, s *session.Session, made facts) error {
	ctx, key := r.Context(), r.FormValue("key")
	n, _ := strconv.ParseInt(r.FormValue("n"), 10, 64)
	switch r.URL.Path {
	case "/see":
		return nil
	case "/increment":
		sum, err := s.Increment(ctx, key, 1)
		made[key] = show(sum)
		return err
	case "/set":
		kind := a.kind(n)
		value := kind.value(n)
		key += "/" + kind.name
		made[key] = show(value)
		return s.Set(ctx, key, value)
	case "/delete":
		made[key] = ""
		return s.Delete(ctx, key)
	case "/label":
		made[label] = fmt.Sprint("label ", n)
		return s.SetLabel(ctx, made[label])
	case "/flash":
		message := a.kind(n).value(n)
		made[notice] = show(message)
		return s.SetFlash(ctx, notice, message)
	case "/take":
		made[notice] = ""
		_, err := s.GetFlash(ctx, notice)
		return err
	}
	return a.doAsUser(r, s, made)
}

// doAsUser does the operations that give the session another sid or concern all sessions of a user.
func (a *app) doAsUser(r *http.Request, s *session.Session, made facts) error {
	ctx, name := r.Context(), r.FormValue("user")
	switch r.URL.Path {
	case "/login":
		err := s.Login(ctx, name)
		made[user], made[since] = name, show(s.AuthTime().UTC().Truncate(time.Millisecond))
		return err
	case "/regenerate":
		return s.Regenerate(ctx)
	case "/logout":
		return s.Logout(ctx)
	case "/count":
		all, err := a.sessions.SessionsOf(ctx, name)
		made[number] = strconv.Itoa(len(all))
		return err
	case "/destroy":
		n, err := a.sessions.DestroyUser(ctx, name)
		made[number] = strconv.Itoa(n)
		return err
	}
	return fmt.Errorf("nobody knows how to %s", r.URL.Path)
}
