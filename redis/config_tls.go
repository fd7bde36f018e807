package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
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
			return nil, wrong("tlsCA", "file %q: %w", s.TLSCA, bare(err))
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, wrong("tlsCA", "file %q: holds no certificate", s.TLSCA)
		}
	}
	switch {
	case s.TLSCert == "" && s.TLSKey == "":
		return t, nil
	case s.TLSKey == "":
		return nil, wrong("tlsKey", "is missing; tlsCert needs it")
	case s.TLSCert == "":
		return nil, wrong("tlsCert", "is missing; tlsKey needs it")
	}
	cert, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, wrong("tlsCert", "%w", bare(err))
	}
	t.Certificates = []tls.Certificate{cert}
	return t, nil
}

// bare returns the system's error without the path.
func bare(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
