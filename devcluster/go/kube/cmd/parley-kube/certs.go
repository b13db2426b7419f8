package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certRequest is one line of the JSON list that `parley-kube certs --dir` reads from stdin. A certificate is written as
// <name>.crt and <name>.key, signed by the request named CA; one without CA signs itself and becomes an authority.
type certRequest struct {
	Name          string   `json:"name"`
	CA            string   `json:"ca,omitempty"`
	CommonName    string   `json:"commonName"`
	Organizations []string `json:"organizations,omitempty"`
	DNSNames      []string `json:"dnsNames,omitempty"`
	IPs           []string `json:"ips,omitempty"`
	// PublicKey also writes <name>.pub, the form that --service-account-key-file takes.
	PublicKey bool `json:"publicKey,omitempty"`
}

const tenYears = 10 * 365 * 24 * time.Hour

// runCerts makes the certificates that are missing or whose request changed; the others stay as they are, so a running
// cluster keeps its identity. Requests come in dependency order: an authority stands before what it signs.
func runCerts() {
	if len(os.Args) != 3 || os.Args[1] != "--dir" {
		fmt.Fprintln(os.Stderr, "usage: parley-kube certs --dir DIR < requests.json")
		os.Exit(2)
	}
	dir := os.Args[2]
	var requests []certRequest
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		fail(fmt.Errorf("certificate requests are not JSON: %w", err))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		fail(err)
	}
	remade := map[string]bool{}
	for _, request := range requests {
		if !remade[request.CA] && unchanged(dir, request) {
			continue
		}
		if err := issue(dir, request); err != nil {
			fail(fmt.Errorf("certificate %s: %w", request.Name, err))
		}
		remade[request.Name] = true
	}
}

func unchanged(dir string, request certRequest) bool {
	recorded, err := os.ReadFile(filepath.Join(dir, request.Name+".json"))
	if err != nil {
		return false
	}
	wanted, err := json.Marshal(request)
	return err == nil && bytes.Equal(recorded, wanted)
}

func issue(dir string, request certRequest) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	certificate := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: request.CommonName, Organization: request.Organizations},
		// A clock that is set back a little must not make a fresh cluster invalid.
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(tenYears),
		BasicConstraintsValid: true,
		DNSNames:              request.DNSNames,
	}
	for _, text := range request.IPs {
		ip := net.ParseIP(text)
		if ip == nil {
			return fmt.Errorf("%q is no IP address", text)
		}
		certificate.IPAddresses = append(certificate.IPAddresses, ip)
	}
	parent, signer := certificate, crypto.Signer(key)
	if request.CA == "" {
		certificate.IsCA = true
		certificate.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	} else {
		certificate.KeyUsage = x509.KeyUsageDigitalSignature
		certificate.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
		if parent, signer, err = loadAuthority(dir, request.CA); err != nil {
			return err
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, certificate, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	record, err := json.Marshal(request)
	if err != nil {
		return err
	}
	files := []struct {
		suffix string
		data   []byte
	}{
		{".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})},
		{".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})},
	}
	if request.PublicKey {
		publicDER, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return err
		}
		files = append(files, struct {
			suffix string
			data   []byte
		}{".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})})
	}
	// The record comes last: an interrupted run is then made again.
	files = append(files, struct {
		suffix string
		data   []byte
	}{".json", record})
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(dir, request.Name+file.suffix), file.data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func loadAuthority(dir, name string) (*x509.Certificate, crypto.Signer, error) {
	certificateDER, err := readPEM(filepath.Join(dir, name+".crt"))
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(certificateDER)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := readPEM(filepath.Join(dir, name+".key"))
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParseECPrivateKey(keyDER)
	return certificate, key, err
}

func readPEM(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", path)
	}
	return block.Bytes, nil
}
