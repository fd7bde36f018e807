package driver

// A Sealer keeps a record in the client, as the value of a cookie.
type Sealer interface {
	// Seal appends rec to dst, sealed, in base64url characters. Only Open can read the result, and nobody without the keys
	// can make one. name is the cookie's name: a value sealed under one name does not open under another. rec belongs to
	// the caller again when Seal returns.
	Seal(dst []byte, name string, rec *Record) ([]byte, error)

	// Open fills rec from the result of Seal. If anything is wrong with sealed, it returns the same error, wrapping
	// [ErrNotFound]. It decodes nothing before it has authenticated it. rec and rec.Data belong to the caller when Open
	// returns. rec.Version 0 means that Data is a gob map that beego sealed at the time rec.Created.
	Open(name, sealed string, rec *Record) error
}

// A SealSizer is a [Sealer] that can tell the length of what Seal makes, without sealing. With a SealSizer the Manager seals a
// session once per response under Handler. With any other Sealer it seals at each change, because Set must return an error at
// once if the session does not fit into its cookies.
type SealSizer interface {
	// SealedSize returns the number of bytes that Seal appends for rec. If that depends on more than rec, for example with
	// compression, it returns the maximum. If Seal appends more, and the cookies cannot hold it, the request is answered with
	// an error.
	SealedSize(name string, rec *Record) int
}

// A CookieConfig is what a provider's own configuration says about the cookies of a [Sealer]. A Sealer that has one returns
// it from a method Cookies() CookieConfig. The zero value leaves the Manager's settings as they are. If a value is invalid,
// the Manager reports a [*ConfigError] for beego's key, providerConfig.cookieName or providerConfig.maxage.
type CookieConfig struct {
	Name   string // replaces the setting cookieName, unless empty
	Secure bool   // if true, has the effect of the setting secure
	MaxAge int    // replaces the setting cookieLifeTime, in seconds, unless zero
	Max    int    // the maximum number of cookies for one session, at most 9; 0 means 1
}
