package redis

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/setting"
)

// object is the JSON form. The keys with an underscore are beego's and have beego's meaning.
type object struct {
	Addr             string   `json:"addr"`
	Addrs            []string `json:"addrs"`
	Username         string   `json:"username"`
	Password         string   `json:"password"`
	DB               int      `json:"db"`
	MasterName       string   `json:"masterName"`
	SentinelUsername string   `json:"sentinelUsername"`
	SentinelPassword string   `json:"sentinelPassword"`
	PoolSize         int      `json:"poolSize"` // also reads beego's poolsize, because case does not matter
	DialTimeout      duration `json:"dialTimeout"`
	ReadTimeout      duration `json:"readTimeout"`
	WriteTimeout     duration `json:"writeTimeout"`
	IdleTimeout      duration `json:"idleTimeout"`
	WaitReplicas     int      `json:"waitReplicas"`
	WaitTimeout      duration `json:"waitTimeout"`
	Coalesce         bool     `json:"coalesce"`
	TLS              bool     `json:"tls"`
	TLSCA            string   `json:"tlsCA"`
	TLSCert          string   `json:"tlsCert"`
	TLSKey           string   `json:"tlsKey"`
	TLSServerName    string   `json:"tlsServerName"`
	TLSInsecure      bool     `json:"tlsInsecure"`

	BeegoSavePath   string   `json:"save_path"`
	BeegoDB         int      `json:"db_num"`
	BeegoIdle       duration `json:"idle_timeout"`
	BeegoIdleCheck  duration `json:"idle_check_frequency"` // ignored: this package has no such check
	BeegoMaxRetries int      `json:"max_retries"`          // ignored: call.go decides what may be repeated
	BeegoMaster     string   `json:"master_name"`
}

func (c *config) parseJSON(text string) error {
	s := &c.settings
	o := object{
		MasterName: s.MasterName, DialTimeout: duration(s.DialTimeout), ReadTimeout: duration(s.ReadTimeout),
		WriteTimeout: duration(s.WriteTimeout), WaitTimeout: duration(s.WaitTimeout), Coalesce: s.Coalesce,
	}
	if err := driver.ParseConfig(text, &o); err != nil {
		return err
	}
	for _, addrs := range [][]string{split(o.Addr), o.Addrs, split(o.BeegoSavePath)} {
		if len(addrs) > 0 && len(c.addrs) > 0 {
			return setting.Wrong("addrs", "the addresses are given twice")
		}
		c.addrs = append(c.addrs, addrs...)
	}
	if o.BeegoDB != 0 {
		o.DB = o.BeegoDB
	}
	if o.BeegoIdle != 0 {
		o.IdleTimeout = o.BeegoIdle
	}
	if o.BeegoMaster != "" {
		o.MasterName = o.BeegoMaster
	}
	*s = settings{
		Username: o.Username, Password: o.Password, DB: o.DB, MasterName: o.MasterName,
		SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
		PoolSize: o.PoolSize, DialTimeout: time.Duration(o.DialTimeout), ReadTimeout: time.Duration(o.ReadTimeout),
		WriteTimeout: time.Duration(o.WriteTimeout), IdleTimeout: time.Duration(o.IdleTimeout),
		WaitReplicas: o.WaitReplicas, WaitTimeout: time.Duration(o.WaitTimeout), Coalesce: o.Coalesce,
		TLS: o.TLS, TLSCA: o.TLSCA, TLSCert: o.TLSCert, TLSKey: o.TLSKey,
		TLSServerName: o.TLSServerName, TLSInsecure: o.TLSInsecure,
	}
	return nil
}

// split splits addresses at semicolons.
func split(addrs string) []string {
	if addrs == "" {
		return nil
	}
	return strings.Split(addrs, ";")
}

// A duration is a number of seconds, or a text such as "1m30s".
type duration time.Duration

func (d *duration) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	t, err := parseDuration(text)
	if err != nil {
		return &driver.ConfigError{Field: "providerConfig", Err: err}
	}
	*d = duration(t)
	return nil
}

// parseDuration reads a duration. Nothing means the default.
func parseDuration(text string) (time.Duration, error) {
	if text == "" || text == "null" {
		return 0, nil
	}
	return setting.ParseDuration(text)
}
