package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certs are an authority and the certificates that it signed, as PEM files. They are removed when the test ends.
type Certs struct {
	CA         string // the authority's certificate
	ServerCert string // for 127.0.0.1 and localhost
	ServerKey  string
	ClientCert string // for a client named "session"
	ClientKey  string

	// Client is a configuration that trusts the authority and presents the client certificate. Clone it before changing it.
	Client *tls.Config
}

// NewCerts makes a new authority and certificates that are valid for a day.
func NewCerts(t testing.TB) *Certs {
	t.Helper()
	c, err := newCerts(newFolder(t, "certs"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newCerts(dir string) (*Certs, error) {
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "session tests"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	caKey, caDER, err := sign(ca, nil, nil)
	if err != nil {
		return nil, err
	}
	server := &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	client := &x509.Certificate{
		Subject: pkix.Name{CommonName: "session"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	c := inFolder(dir)
	if err := writePEM(c.CA, "CERTIFICATE", caDER); err != nil {
		return nil, err
	}
	if err := issue(server, ca, caKey, c.ServerCert, c.ServerKey); err != nil {
		return nil, err
	}
	if err := issue(client, ca, caKey, c.ClientCert, c.ClientKey); err != nil {
		return nil, err
	}

	own, err := tls.LoadX509KeyPair(c.ClientCert, c.ClientKey)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if ca, err = x509.ParseCertificate(caDER); err != nil {
		return nil, err
	}
	roots.AddCert(ca)
	c.Client = &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}, ServerName: "localhost"}
	return c, nil
}

func inFolder(dir string) *Certs {
	return &Certs{
		CA:         filepath.Join(dir, "ca.pem"),
		ServerCert: filepath.Join(dir, "server.pem"),
		ServerKey:  filepath.Join(dir, "server.key"),
		ClientCert: filepath.Join(dir, "client.pem"),
		ClientKey:  filepath.Join(dir, "client.key"),
	}
}

func issue(cert, ca *x509.Certificate, caKey *ecdsa.PrivateKey, certFile, keyFile string) error {
	key, der, err := sign(cert, ca, caKey)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(keyFile, "PRIVATE KEY", pkcs8); err != nil {
		return err
	}
	return writePEM(certFile, "CERTIFICATE", der)
}

// sign makes a key for cert and has ca sign it; without ca, cert signs itself.
func sign(cert, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if ca == nil {
		ca, caKey = cert, key
	}
	cert.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	cert.NotBefore, cert.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, caKey)
	return key, der, err
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// copyTo copies what a server needs into its folder, where its account may read it.
func (c *Certs) copyTo(dir string) (*Certs, error) {
	to := inFolder(dir)
	for from, to := range map[string]string{c.CA: to.CA, c.ServerCert: to.ServerCert, c.ServerKey: to.ServerKey} {
		content, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		if _, err := writeFile(dir, filepath.Base(to), string(content)); err != nil {
			return nil, err
		}
	}
	return to, nil
}
