package redis

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/seed1a8f7c28/session/internal/setting"
)

// loadTLS returns the TLS configuration, or nil if no setting asks for TLS.
func (s *settings) loadTLS() (*tls.Config, error) {
	if !s.TLS && s.TLSCA == "" && s.TLSCert == "" && s.TLSKey == "" && s.TLSServerName == "" && !s.TLSInsecure {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.TLSServerName, InsecureSkipVerify: s.TLSInsecure}
	if s.TLSCA != "" {
		pem, err := os.ReadFile(s.TLSCA)
		if err != nil {
			return nil, setting.Wrong("tlsCA", "file %q: %w", s.TLSCA, setting.WithoutPath(err))
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, setting.Wrong("tlsCA", "file %q: holds no certificate", s.TLSCA)
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
