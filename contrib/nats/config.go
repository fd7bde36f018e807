package nats

import (
	"cmp"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/setting"
)

// A Bucket says where in JetStream the sessions are. The fields but Name matter only when the bucket is created.
type Bucket struct {
	Name     string `json:"bucket"`   // letters, digits, - and _; "" means "sessions"
	Replicas int    `json:"replicas"` // how many servers keep each session: 1, 3 or 5; 0 means 1
	Storage  string `json:"storage"`  // "file" or "memory"; "" means "file"
}

// check checks the fields and sets the defaults.
func (b *Bucket) check() error {
	b.Name = cmp.Or(b.Name, "sessions")
	b.Storage = cmp.Or(b.Storage, "file")
	switch {
	case !validBucket(b.Name):
		return setting.Wrong("bucket", "must consist of letters, digits, - and _")
	case b.Replicas < 0 || b.Replicas > 5:
		return setting.Wrong("replicas", "must be from 1 to 5")
	case b.Storage != "file" && b.Storage != "memory":
		return setting.Wrong("storage", `must be "file" or "memory"`)
	}
	return nil
}

// storage returns b.Storage in the client's form.
func (b *Bucket) storage() jetstream.StorageType {
	if b.Storage == "memory" {
		return jetstream.MemoryStorage
	}
	return jetstream.FileStorage
}

// A config is a provider config, with the JSON keys of its object form.
type config struct {
	URL  string   `json:"url"`
	URLs []string `json:"urls"`
	Bucket
	Username      string `json:"username"`
	Password      string `json:"password"`
	Token         string `json:"token"`
	Credentials   string `json:"credentials"`
	NKey          string `json:"nkey"`
	TLS           bool   `json:"tls"`
	TLSCA         string `json:"tlsCA"`
	TLSCert       string `json:"tlsCert"`
	TLSKey        string `json:"tlsKey"`
	TLSServerName string `json:"tlsServerName"`
	TLSInsecure   bool   `json:"tlsInsecure"`

	options nats.Options
}

// parse reads a config: a list of URLs, or a JSON object.
func parse(text string) (*config, error) {
	c := new(config)
	if text = strings.TrimSpace(text); strings.HasPrefix(text, "{") {
		if err := driver.ParseConfig(text, c); err != nil {
			return nil, err
		}
	} else {
		c.URL = text
	}
	switch {
	case c.URL != "" && len(c.URLs) > 0:
		return nil, setting.Wrong("urls", "the servers are given twice, in url and urls")
	case c.URL != "":
		c.URLs = strings.Split(c.URL, ",")
	case len(c.URLs) == 0:
		c.URLs = []string{nats.DefaultURL}
	}
	for i, server := range c.URLs {
		if c.URLs[i] = strings.TrimSpace(server); !validURL(c.URLs[i]) {
			return nil, setting.Wrong("urls", "server %d is not a URL such as nats://host:4222", i+1)
		}
	}
	if err := c.Bucket.check(); err != nil {
		return nil, err
	}
	return c, c.login()
}

// validURL reports whether a server's address is a URL, or host:port.
func validURL(server string) bool {
	if !strings.Contains(server, "://") {
		server = "nats://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" {
		return false
	}
	switch u.Scheme {
	case "nats", "tls", "ws", "wss":
		return true
	}
	return false
}

// login checks the settings of the login and of TLS, and reads their files.
func (c *config) login() error {
	c.options = nats.GetDefaultOptions()
	set := 0
	for _, has := range []bool{c.Username != "", c.Token != "", c.Credentials != "", c.NKey != ""} {
		if has {
			set++
		}
	}
	switch {
	case set > 1:
		return setting.Wrong("credentials", "only one of username, token, credentials and nkey can be the login")
	case c.Username == "" && c.Password != "":
		return setting.Wrong("username", "is missing; password needs it")
	case c.TLSCert == "" && c.TLSKey != "":
		return setting.Wrong("tlsCert", "is missing; tlsKey needs it")
	case c.TLSCert != "" && c.TLSKey == "":
		return setting.Wrong("tlsKey", "is missing; tlsCert needs it")
	}
	c.options.User, c.options.Password, c.options.Token = c.Username, c.Password, c.Token
	if c.TLS || c.TLSServerName != "" || c.TLSInsecure {
		t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLSServerName, InsecureSkipVerify: c.TLSInsecure}
		if err := nats.Secure(t)(&c.options); err != nil {
			return setting.Wrong("tls", "%w", err)
		}
	}
	for _, file := range []struct {
		field, path string
		option      func() nats.Option
	}{
		{"credentials", c.Credentials, func() nats.Option { return nats.UserCredentials(c.Credentials) }},
		{"nkey", c.NKey, func() nats.Option { return nkeyOption(c.NKey) }},
		{"tlsCA", c.TLSCA, func() nats.Option { return nats.RootCAs(c.TLSCA) }},
		{"tlsKey", c.TLSKey, func() nats.Option { return nats.ClientCert(c.TLSCert, c.TLSKey) }},
	} {
		if file.path == "" {
			continue
		}
		if _, err := os.ReadFile(file.path); err != nil {
			return setting.Wrong(file.field, "file %q: %w", file.path, setting.WithoutPath(err))
		}
		if err := file.option()(&c.options); err != nil {
			return setting.Wrong(file.field, "%w", err)
		}
	}
	return nil
}

// nkeyOption is a login by the seed in a file.
func nkeyOption(path string) nats.Option {
	return func(o *nats.Options) error {
		option, err := nats.NkeyOptionFromSeed(path)
		if err != nil {
			return errors.New("the file contains no seed of an nkey") // the client's error may quote it
		}
		return option(o)
	}
}

// servers returns the addresses of the servers, for error texts: without a login.
func (c *config) servers() string {
	list := make([]string, len(c.URLs))
	for i, server := range c.URLs {
		_, address, ok := strings.Cut(server, "://")
		if !ok {
			address = server
		}
		list[i] = address[strings.LastIndex(address, "@")+1:]
	}
	return strings.Join(list, ", ")
}

// dialTimeout limits each try to connect, and leaves room for a second server within a manager's opTimeout of 5 seconds.
const dialTimeout = 2 * time.Second

// connect opens the connection. Once open, it connects again by itself whenever it is lost, for as long as it is not closed.
func (c *config) connect(logger *slog.Logger) (*nats.Conn, error) {
	o := c.options
	o.Servers = c.URLs
	o.Name = "session"
	o.Timeout = dialTimeout
	o.MaxReconnect = -1
	o.ReconnectWait = 100 * time.Millisecond
	o.IgnoreAuthErrorAbort = true
	o.ReconnectBufSize = -1 // what is sent during an outage is an error at once
	o.PingInterval, o.MaxPingsOut = 2*time.Second, 2
	o.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) {
		logger.Warn("session/nats: " + withoutQuote(err.Error()))
	}
	o.DisconnectedErrCB = func(_ *nats.Conn, err error) {
		if err != nil { // it was not closed
			logger.Warn("session/nats: the connection was lost", "error", withoutQuote(err.Error()))
		}
	}
	o.ReconnectedCB = func(nc *nats.Conn) { logger.Info("session/nats: connected again", "server", nc.ConnectedAddr()) }
	return o.Connect()
}

// withoutQuote returns a text up to the first quotation mark, behind which the server names subjects.
func withoutQuote(text string) string {
	text, _, _ = strings.Cut(text, `"`)
	return strings.TrimSpace(text)
}
