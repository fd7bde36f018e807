package workload

import (
	"errors"
	"fmt"
	"strconv"
)

// Calls are a library's calls for a session S in a request C, as the library's README shows them. Fields may be nil if
// their comments say so.
type Calls[C, S any] struct {
	// Open returns the session of the request, or begins one.
	Open func(c C) (S, error)

	// Get returns a value with the type with which it was stored, or nil if there is none.
	Get func(c C, s S, key string) (any, error)

	// Set stores a value, immediately or with Save.
	Set func(c C, s S, key string, value any) error

	// All and SetAll are for libraries that have a call for several values. Nil means that Get and Set are called for each
	// value.
	All    func(c C, s S) (Values, error)
	SetAll func(c C, s S, v Values) error

	// Save stores the values that were set. Nil means that Set has stored them, or a middleware will.
	Save func(c C, s S) error

	// Release is for libraries whose handlers must make a final call even if they have only read. Nil means that there is
	// no such call.
	Release func(c C, s S) error

	// Destroy logs out.
	Destroy func(c C, s S) error
}

// An Op says what a handler does with the session of a request.
type Op struct {
	Kind Kind   // what it does
	Key  string // for SetKey

	// Between, unless nil, is called after the session was loaded and before anything is changed.
	Between func()
}

// A Kind names one of the handlers of an application.
type Kind string

// The first four are measured. The others show what a library loses.
const (
	Read    Kind = "read"    // answers with the name
	Write   Kind = "write"   // reads the name and stores the other one
	Begin   Kind = "begin"   // stores five values in a new session
	ReadAll Kind = "readall" // reads and compares all of them

	SetKey  Kind = "setkey"  // stores a value under Key
	Count   Kind = "count"   // answers with the number of keys that the Writers requests have set
	Logout  Kind = "logout"  // ends the session
	Corrupt Kind = "corrupt" // changes the list in place that it has read, and stores nothing
	Roles   Kind = "roles"   // answers with the first of the roles
)

// Writers is the number of requests that set a key of their own at the same time.
const Writers = 20

func writerKey(n int) string { return "key" + strconv.Itoa(n) }

// ErrNoSession says that a request has no session although it needs one.
var ErrNoSession = errors.New("no session")

// Do carries out op and returns the response body. It must not write the response itself, because a save must set the
// cookie first.
func (k *Calls[C, S]) Do(op Op, c C) (string, error) {
	s, err := k.Open(c)
	if err != nil {
		return "", err
	}
	body, err := k.use(op, c, s)
	if err != nil || k.Release == nil {
		return body, err
	}
	switch op.Kind {
	case Read, Write, Begin, ReadAll, SetKey:
		return body, k.Release(c, s)
	}
	return body, nil
}

func (k *Calls[C, S]) use(op Op, c C, s S) (string, error) {
	switch op.Kind {
	case Read:
		return k.name(c, s)
	case Write:
		return k.write(c, s, op)
	case Begin:
		if err := k.setAll(c, s); err != nil {
			return "", err
		}
		return "begun", k.save(c, s)
	case ReadAll:
		return "right", k.readAll(c, s)
	default:
		return k.lose(op, c, s)
	}
}

func (k *Calls[C, S]) save(c C, s S) error {
	if k.Save == nil {
		return nil
	}
	return k.Save(c, s)
}

func (k *Calls[C, S]) name(c C, s S) (string, error) {
	v, err := k.Get(c, s, "name")
	if err != nil {
		return "", err
	}
	name, ok := v.(string)
	switch {
	case v == nil:
		return "", ErrNoSession
	case !ok || name != Ann && name != Bob:
		return "", wrong("name", v)
	}
	return name, nil
}

func (k *Calls[C, S]) write(c C, s S, op Op) (string, error) {
	name, err := k.name(c, s)
	if err != nil {
		return "", err
	}
	if op.Between != nil {
		op.Between()
	}
	name = Other(name)
	if err := k.Set(c, s, "name", name); err != nil {
		return "", err
	}
	return name, k.save(c, s)
}

func (k *Calls[C, S]) setAll(c C, s S) error {
	v := Stored()
	if k.SetAll != nil {
		return k.SetAll(c, s, v)
	}
	for _, key := range Keys {
		if err := k.Set(c, s, key, v.Value(key)); err != nil {
			return err
		}
	}
	return nil
}

func (k *Calls[C, S]) readAll(c C, s S) error {
	if k.All != nil {
		v, err := k.All(c, s)
		if err != nil {
			return err
		}
		return v.Check()
	}
	for _, key := range Keys {
		switch v, err := k.Get(c, s, key); {
		case err != nil:
			return err
		case v == nil:
			return ErrNoSession
		case !right(key, v):
			return wrong(key, v)
		}
	}
	return nil
}

// lose carries out what the losses are made of.
func (k *Calls[C, S]) lose(op Op, c C, s S) (string, error) {
	switch op.Kind {
	case SetKey:
		if _, err := k.name(c, s); err != nil { // loads the session, if Open did not
			return "", err
		}
		op.Between()
		if err := k.Set(c, s, op.Key, "kept"); err != nil {
			return "", err
		}
		return "set", k.save(c, s)
	case Count:
		kept := 0
		for n := range Writers {
			if v, err := k.Get(c, s, writerKey(n)); err == nil && v != nil {
				kept++
			}
		}
		return strconv.Itoa(kept), nil
	case Logout:
		return "out", k.Destroy(c, s)
	case Corrupt, Roles:
		return k.roles(op, c, s)
	}
	return "", fmt.Errorf("no handler %q", op.Kind)
}

func (k *Calls[C, S]) roles(op Op, c C, s S) (string, error) {
	v, err := k.Get(c, s, "roles")
	if err != nil {
		return "", err
	}
	roles, ok := v.([]string)
	if !ok || len(roles) == 0 {
		return "", wrong("roles", v)
	}
	if op.Kind == Corrupt {
		roles[0] = changed
	}
	return roles[0], nil
}

// changed is the role that nobody has stored.
const changed = "admin!"
