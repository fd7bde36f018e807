package driver

// A Sealer keeps a record in the client, as the value of a cookie.
type Sealer interface {
	// Seal appends to dst rec in a form that only Open can read, and that no one else can make, of the
	// characters of base64url. name is the cookie's: what is sealed under one name does not open under
	// another.
	Seal(dst []byte, name string, rec *Record) ([]byte, error)

	// Open fills rec from what Seal made. Whatever is wrong with sealed, the error is the same one,
	// wrapping [ErrNotFound]. Nothing is decoded before it is authenticated. rec.Data is the caller's, as rec is in both
	// methods once they have returned. Version 0
	// says that Data is a gob map which beego has sealed at the time Created.
	Open(name string, sealed []byte, rec *Record) error
}

// A CookieConfig is what a provider's own config says of the cookies that a [Sealer] fills. A Sealer that has
// one returns it from a method Cookies() CookieConfig. The zero value says nothing. What is wrong with it is a
// [*ConfigError] of beego's keys, providerConfig.cookieName and providerConfig.maxage.
type CookieConfig struct {
	Name   string // instead of cookieName, if not empty
	Secure bool   // as if the setting were true
	MaxAge int    // in seconds, instead of cookieLifeTime, if not zero
	Max    int    // how many cookies one session may take, at most 9; 0 means 1
}
