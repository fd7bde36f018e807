package couchbase

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/couchbase/gocb/v2"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/setting"
)

// A settings is a provider config. save_path and pool are beego's.
type settings struct {
	URL         string `json:"url"`
	SavePath    string `json:"save_path"`
	Pool        string `json:"pool"`
	Username    string `json:"username"`
	Password    string `json:"password"`
	Bucket      string `json:"bucket"`
	Scope       string `json:"scope"`
	Collection  string `json:"collection"`
	Durability  string `json:"durability"`
	TLSCA       string `json:"tlsCA"`
	TLSInsecure bool   `json:"tlsInsecure"`

	roots *x509.CertPool // of TLSCA
}

// durabilities are the names that a setting can have, as Couchbase's documentation writes them.
var durabilities = map[string]gocb.DurabilityLevel{
	"":                           gocb.DurabilityLevelUnknown, // that of the bucket
	"none":                       gocb.DurabilityLevelNone,
	"majority":                   gocb.DurabilityLevelMajority,
	"majorityAndPersistToActive": gocb.DurabilityLevelMajorityAndPersistOnMaster,
	"persistToMajority":          gocb.DurabilityLevelPersistToMajority,
}

// parse reads a config: a JSON object, or beego's list.
func parse(text string) (*settings, error) {
	s := new(settings)
	var err error
	if text = strings.TrimSpace(text); strings.HasPrefix(text, "{") {
		err = driver.ParseConfig(text, s)
	} else {
		err = s.parseList(text)
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// parseList reads beego's form.
func (s *settings) parseList(text string) error {
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return setting.Wrong("", `want "http://user:password@host:8091/, pool, bucket" or a JSON object`)
	}
	s.SavePath, s.Pool, s.Bucket = strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1]), strings.TrimSpace(parts[2])
	return nil
}

func (s *settings) check() error {
	field := "url"
	if s.SavePath != "" {
		if s.URL != "" {
			return setting.Wrong("save_path", "is another name of url; only one of them can be set")
		}
		field, s.URL = "save_path", s.SavePath
	}
	if s.URL == "" {
		s.URL = "couchbase://127.0.0.1"
	}
	scheme, rest, ok := strings.Cut(s.URL, "://")
	if !ok || scheme != "couchbase" && scheme != "couchbases" && scheme != "http" {
		return setting.Wrong(field, "must begin with couchbase://, couchbases:// or http://")
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 { // beego's way to say a login
		if s.Username != "" || s.Password != "" {
			return setting.Wrong(field, "has a login, and so do username or password")
		}
		name, password, _ := strings.Cut(rest[:at], ":")
		var errs [2]error
		s.Username, errs[0] = url.PathUnescape(name)
		s.Password, errs[1] = url.PathUnescape(password)
		if errors.Join(errs[:]...) != nil {
			return setting.Wrong(field, "has a login that is not escaped as in URLs")
		}
		rest = rest[at+1:]
	}
	rest = strings.TrimRight(rest, "/")
	if rest == "" || strings.ContainsAny(rest, "/ ") {
		return setting.Wrong(field, "must name hosts, with commas between them")
	}
	if scheme == "http" { // of beego's client, which asked a server's port for HTTP; gocb has only the others
		for _, host := range strings.Split(rest, ",") {
			if _, port, err := net.SplitHostPort(host); err == nil && port != "8091" {
				return setting.Wrong(field, "the port of an http:// URL must be 8091; for another one begin with couchbase://")
			}
		}
		scheme, rest = "couchbase", strings.ReplaceAll(rest, ":8091", "")
	}
	s.URL = scheme + "://" + rest
	switch _, known := durabilities[s.Durability]; {
	case !known:
		return setting.Wrong("durability", "must be none, majority, majorityAndPersistToActive or persistToMajority")
	case s.Bucket == "":
		return setting.Wrong("bucket", "is missing")
	case s.Username == "":
		return setting.Wrong("username", "is missing; in beego's form it is in the URL, http://user:password@host:8091/")
	case (s.Scope == "") != (s.Collection == ""):
		return setting.Wrong("collection", "and scope belong together")
	case scheme != "couchbases" && (s.TLSCA != "" || s.TLSInsecure):
		return setting.Wrong(field, "must begin with couchbases:// for TLS")
	case s.TLSCA == "":
		return nil
	}
	roots, err := setting.Authorities("tlsCA", s.TLSCA)
	s.roots = roots
	return err
}

// where returns the servers' names for errors.
func (s *settings) where() string {
	_, hosts, _ := strings.Cut(s.URL, "://")
	return hosts
}

// The times leave room for a second try within the manager's opTimeout of 5 seconds.
const (
	connectTimeout = 4 * time.Second
	callTimeout    = 2500 * time.Millisecond
)

// connection returns the connection string for the client. After a server was away, the client tries again this often, in
// milliseconds, instead of every five seconds.
func (s *settings) connection() string {
	sep := "?"
	if strings.Contains(s.URL, "?") {
		sep = "&"
	}
	return s.URL + sep + "server_wait_backoff=200"
}

// fewTries gives the nodes that are up a moment to answer first. Otherwise a wrong password is tried until the time is over.
type fewTries struct{}

// RetryAfter implements [gocb.RetryStrategy].
func (fewTries) RetryAfter(r gocb.RetryRequest, _ gocb.RetryReason) gocb.RetryAction {
	if r.RetryAttempts() >= 5 {
		return &gocb.NoRetryRetryAction{}
	}
	return &gocb.WithDurationRetryAction{WithDuration: 100 * time.Millisecond}
}

// end closes a cluster. It does not wait for long: the client waits for its handshakes, which have no time limit.
func end(cluster *gocb.Cluster) error {
	closed := make(chan error, 1)
	go func() { closed <- cluster.Close(nil) }()
	select {
	case err := <-closed:
		return err
	case <-time.After(time.Second):
		return nil
	}
}

// connect opens a cluster, and waits until the bucket answers.
func (s *settings) connect(ctx context.Context) (*client, error) {
	cluster, err := gocb.Connect(s.connection(), gocb.ClusterOptions{
		Authenticator:  gocb.PasswordAuthenticator{Username: s.Username, Password: s.Password},
		TimeoutsConfig: gocb.TimeoutsConfig{ConnectTimeout: connectTimeout, KVTimeout: callTimeout, KVDurableTimeout: callTimeout},
		SecurityConfig: gocb.SecurityConfig{TLSRootCAs: s.roots, TLSSkipVerify: s.TLSInsecure},
		// Open breakers would refuse calls for seconds after the servers are back.
		CircuitBreakerConfig: gocb.CircuitBreakerConfig{Disabled: true},
	})
	if err != nil {
		return nil, err // of the connection string, which has no login any more
	}
	bucket := cluster.Bucket(s.Bucket)
	err = bucket.WaitUntilReady(connectTimeout, &gocb.WaitUntilReadyOptions{
		ServiceTypes: []gocb.ServiceType{gocb.ServiceTypeKeyValue}, Context: ctx,
		DesiredState:  gocb.ClusterStateDegraded, // one node is enough
		RetryStrategy: fewTries{},
	})
	if err != nil {
		end(cluster)
		return nil, explain(ctx, err)
	}
	c := &client{cluster: cluster, collection: bucket.DefaultCollection(), durability: durabilities[s.Durability]}
	if s.Scope != "" {
		c.collection = bucket.Scope(s.Scope).Collection(s.Collection)
	}
	return c, nil
}
