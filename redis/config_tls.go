package redis

import (
	"crypto/tls"

	"github.com/seed1a8f7c28/session/internal/setting"
)

// loadTLS returns the TLS configuration, or nil if no setting asks for TLS.
func (s *settings) loadTLS() (*tls.Config, error) {
	if !s.TLS && s.TLSCA == "" && s.TLSCert == "" && s.TLSKey == "" && s.TLSServerName == "" && !s.TLSInsecure {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.TLSServerName, InsecureSkipVerify: s.TLSInsecure}
	if s.TLSCA != "" {
		var err error
		if t.RootCAs, err = setting.Authorities("tlsCA", s.TLSCA); err != nil {
			return nil, err
		}
	}
	switch {
	case s.TLSCert == "" && s.TLSKey == "":
		return t, nil
	case s.TLSKey == "":
		return nil, setting.Wrong("tlsKey", "is missing; tlsCert needs it")
	case s.TLSCert == "":
		return nil, setting.Wrong("tlsCert", "is missing; tlsKey needs it")
	}
	cert, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, setting.Wrong("tlsCert", "%w", setting.WithoutPath(err))
	}
	t.Certificates = []tls.Certificate{cert}
	return t, nil
}
