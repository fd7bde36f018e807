package workload

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Values are the values of a session, under [Keys].
type Values struct {
	ID    int64     // of the user
	Name  string    // of the user
	Roles []string  // what the user may do
	Token []byte    // 32 bytes
	Since time.Time // when the user logged in
}

// Keys are the names of the five values.
var Keys = []string{"id", "name", "roles", "token", "since"}

// The two names that a session has alternately: a request that writes finds one and stores the other. They have the same
// length, so that the size of stored sessions does not change.
const (
	Ann = "Ann Example"
	Bob = "Bob Example"
)

// Stored returns the values of a new session. The caller owns the slices.
func Stored() Values {
	return Values{
		ID: 1234567890123, Name: Ann, Roles: []string{"reader", "writer"},
		Token: []byte("0123456789abcdef0123456789abcdef"), Since: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	}
}

// stored contains the expected values.
var stored = Stored()

// Value returns the value under key.
func (v *Values) Value(key string) any {
	switch key {
	case "id":
		return v.ID
	case "name":
		return v.Name
	case "roles":
		return v.Roles
	case "token":
		return v.Token
	default:
		return v.Since
	}
}

// Put sets the value under key. It returns an error if value does not have the type that was stored.
func (v *Values) Put(key string, value any) error {
	ok := false
	switch key {
	case "id":
		v.ID, ok = value.(int64)
	case "name":
		v.Name, ok = value.(string)
	case "roles":
		v.Roles, ok = value.([]string)
	case "token":
		v.Token, ok = value.([]byte)
	case "since":
		v.Since, ok = value.(time.Time)
	}
	if !ok {
		return wrong(key, value)
	}
	return nil
}

// right reports whether got, of the type that was stored, is a correct value for key.
func right(key string, got any) bool {
	switch v := got.(type) {
	case int64:
		return key == "id" && v == stored.ID
	case string:
		return key == "name" && (v == Ann || v == Bob)
	case []string:
		return key == "roles" && slices.Equal(v, stored.Roles)
	case []byte:
		return key == "token" && bytes.Equal(v, stored.Token)
	case time.Time:
		return key == "since" && v.Equal(stored.Since)
	}
	return false
}

// Other returns the name to write after name was read.
func Other(name string) string {
	if name == Ann {
		return Bob
	}
	return Ann
}

// Check returns an error unless v are the values of a session, with either name.
func (v *Values) Check() error {
	for _, key := range Keys {
		if got := v.Value(key); !right(key, got) {
			return wrong(key, got)
		}
	}
	return nil
}

func wrong(key string, got any) error { return fmt.Errorf("%s is %T %v", key, got, got) }
