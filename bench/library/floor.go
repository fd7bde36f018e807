package library

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session/bench/workload"
)

// The floor does only the unavoidable work: it finds the cookie, makes one call of the store's client to read and one to
// write, and takes the values from fixed places of a byte string.
var floor = Library{Name: "floor", On: map[string]func(Target) (*workload.App, error){
	"memory":   func(Target) (*workload.App, error) { return onFloor(newFloorMemory()), nil },
	"cookie":   func(Target) (*workload.App, error) { return onFloor(newFloorSealer()), nil },
	"file":     func(t Target) (*workload.App, error) { return onFloor(floorFile(t.Dir)), nil },
	"redis":    openFloorRedis,
	"postgres": openFloorPostgres,
	"mysql":    openFloorMySQL,
	"memcache": openFloorMemcache,
	"sqlite":   openFloorSQLite,
}}

// floorFast is the memory of the floor on fasthttp, whose requests cost something else.
var floorFast = Library{Name: "floor on fasthttp", On: map[string]func(Target) (*workload.App, error){
	"memory": func(Target) (*workload.App, error) { return onFloorFast(newFloorMemory()), nil },
}}

// A floorStore stores sessions as bytes. Loaded bytes may belong to the store, and are not changed.
type floorStore interface {
	load(ctx context.Context, token string) ([]byte, error) // returns [workload.ErrNoSession] if there is none
	create(ctx context.Context, data []byte) (token string, err error)
	save(ctx context.Context, token string, data []byte) (newToken string, err error) // newToken is "" if the token stays
}

const floorCookieName = "floor"

// doFloor has no session object: it reads values from the bytes and writes them into the bytes. It returns the answer, and
// the client's new token, if any.
func doFloor(ctx context.Context, store floorStore, kind workload.Kind, token string) (body, newToken string, err error) {
	if kind == workload.Begin {
		newToken, err = store.create(ctx, appendFloor(nil, workload.Stored()))
		return "begun", newToken, err
	}
	data, err := store.load(ctx, token)
	if err != nil {
		return "", "", err
	}
	switch kind {
	case workload.Read:
		return floorName(data), "", nil
	case workload.Write:
		name := workload.Other(floorName(data))
		newToken, err = store.save(ctx, token, withName(data, name))
		return name, newToken, err
	case workload.ReadAll:
		v := parseFloor(data)
		return "right", "", v.Check()
	}
	return "", "", errors.ErrUnsupported
}

func onFloor(store floorStore) *workload.App {
	return &workload.App{HTTP: func(op workload.Op) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, token, err := doFloor(r.Context(), store, op.Kind, floorToken(r))
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			if token != "" {
				w.Header()["Set-Cookie"] = []string{floorCookie(token)}
			}
			_, _ = io.WriteString(w, body)
		})
	}}
}

func onFloorFast(store floorStore) *workload.App {
	return &workload.App{Fast: func(op workload.Op) fasthttp.RequestHandler {
		return func(ctx *fasthttp.RequestCtx) {
			body, token, err := doFloor(ctx, store, op.Kind, string(ctx.Request.Header.Cookie(floorCookieName)))
			if err != nil {
				ctx.Error(err.Error(), http.StatusInternalServerError)
				return
			}
			if token != "" {
				ctx.Response.Header.Add("Set-Cookie", floorCookie(token))
			}
			ctx.SetBodyString(body)
		}
	}}
}

func floorCookie(token string) string {
	return floorCookieName + "=" + token + "; Path=/; HttpOnly; SameSite=Lax"
}

// floorToken returns the value of the request's cookie, "" if there is none.
func floorToken(r *http.Request) string {
	for _, rest := range r.Header["Cookie"] {
		for rest != "" {
			var pair string
			pair, rest, _ = strings.Cut(rest, ";")
			if value, ok := strings.CutPrefix(strings.TrimLeft(pair, " "), floorCookieName+"="); ok {
				return value
			}
		}
	}
	return ""
}

// newFloorToken returns a new sid.
func newFloorToken() string {
	var random [16]byte
	rand.Read(random[:])
	var text [32]byte
	hex.Encode(text[:], random[:])
	return string(text[:])
}

// Bytes of a session: deadline, id, since, token, then the name with its length, then the roles each with theirs.
const (
	floorID    = 8
	floorSince = floorID + 8
	floorBytes = floorSince + 8
	floorText  = floorBytes + 32
)

func appendFloor(data []byte, v workload.Values) []byte {
	data = binary.BigEndian.AppendUint64(data, uint64(time.Now().Add(time.Hour).UnixNano()))
	data = binary.BigEndian.AppendUint64(data, uint64(v.ID))
	data = binary.BigEndian.AppendUint64(data, uint64(v.Since.UnixNano()))
	data = append(data, v.Token...)
	for _, text := range append([]string{v.Name}, v.Roles...) {
		data = append(append(data, byte(len(text))), text...)
	}
	return data
}

func parseFloor(data []byte) workload.Values {
	v := workload.Values{
		ID:    int64(binary.BigEndian.Uint64(data[floorID:])),
		Since: time.Unix(0, int64(binary.BigEndian.Uint64(data[floorSince:]))),
		Token: append([]byte(nil), data[floorBytes:floorText]...),
		Name:  floorName(data),
	}
	for rest := data[floorText+1+len(v.Name):]; len(rest) > 0; rest = rest[1+rest[0]:] {
		v.Roles = append(v.Roles, string(rest[1:1+rest[0]]))
	}
	return v
}

// floorName returns the name in data, as one of two existing strings.
func floorName(data []byte) string {
	if len(data) <= floorText {
		return ""
	}
	switch string(data[floorText+1 : floorText+1+int(data[floorText])]) {
	case workload.Ann:
		return workload.Ann
	case workload.Bob:
		return workload.Bob
	}
	return ""
}

// withName returns a copy of data with another name of the same length.
func withName(data []byte, name string) []byte {
	data = append([]byte(nil), data...)
	copy(data[floorText+1:], name)
	return data
}

// alive returns data, or an error if it is nil or its deadline has passed.
func alive(data []byte) ([]byte, error) {
	if len(data) <= floorText {
		return nil, workload.ErrNoSession
	}
	if deadline := int64(binary.BigEndian.Uint64(data)); deadline <= time.Now().UnixNano() {
		return nil, fmt.Errorf("expired: %w", workload.ErrNoSession)
	}
	return data, nil
}
