package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"sort"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// runPolicies makes one node keep to the cluster's NetworkPolicies, which bridges and routes know nothing of.
//
// Each pod of the node that a policy isolates gets a chain of iptables rules for the direction. They stand in the
// FORWARD chain of the table mangle: after a Service's address became a pod's, before kube-proxy lets packets pass.
// Packets of connections that exist pass at once, so an answer needs no rule. What the node's own processes send is not
// forwarded: as in any Kubernetes, a node always reaches its own pods, and they it.
//
// Of NetworkPolicy all is there but SCTP and IPv6, which a devcluster does not have. Pods on the host network are no
// peers of selectors: their address is their node's.
func runPolicies() {
	flags := flag.NewFlagSet("network-policies", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig file")
	node := flags.String("node", "", "name of the node")
	_ = flags.Parse(os.Args[1:])
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fail(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		fail(err)
	}
	ctx := klog.NewContext(context.Background(), klog.Background())
	changed := make(chan struct{}, 1)
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods()
	namespaces := factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()
	notice := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notice() },
		UpdateFunc: func(any, any) { notice() },
		DeleteFunc: func(any) { notice() },
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			fail(err)
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	var written string
	for range changed {
		everything := world{namespaces: map[string]labels.Set{}}
		everything.pods, err = pods.Lister().List(labels.Everything())
		if err != nil {
			fail(err)
		}
		everything.policies, err = policies.Lister().List(labels.Everything())
		if err != nil {
			fail(err)
		}
		all, err := namespaces.Lister().List(labels.Everything())
		if err != nil {
			fail(err)
		}
		for _, namespace := range all {
			everything.namespaces[namespace.Name] = namespace.Labels
		}
		chains := everything.chainsOf(*node)
		if text := fmt.Sprint(chains); text != written {
			if err := writeChains(chains); err != nil {
				klog.ErrorS(err, "rules not written, trying again")
				time.AfterFunc(time.Second, notice)
			} else {
				klog.InfoS("rules written", "chains", len(chains))
				written = text
			}
		}
		// A rollout is many changes: one pass for all that come together.
		time.Sleep(20 * time.Millisecond)
	}
}

type world struct {
	pods       []*corev1.Pod
	policies   []*networkingv1.NetworkPolicy
	namespaces map[string]labels.Set
}

// chain is what one pod may receive or send; its rules let through, what none does is dropped.
type chain struct {
	name string
	// match tells the packets that the chain is for.
	match string
	rules []string
}

func (w world) chainsOf(node string) []chain {
	var chains []chain
	for _, pod := range w.pods {
		if pod.Spec.NodeName != node || addressOf(pod) == "" {
			continue
		}
		for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
			if rules, isolated := w.rulesFor(pod, direction); isolated {
				flag := map[networkingv1.PolicyType]string{"Ingress": "-d", "Egress": "-s"}[direction]
				digest := sha256.Sum256([]byte(string(pod.UID) + string(direction)))
				chains = append(chains, chain{
					name:  chainPrefix + hex.EncodeToString(digest[:8]),
					match: fmt.Sprintf("%s %s", flag, addressOf(pod)),
					rules: rules,
				})
			}
		}
	}
	sort.Slice(chains, func(i, j int) bool { return chains[i].name < chains[j].name })
	return chains
}

// rulesFor gives the matches that let packets through, and whether any policy is about the pod at all.
func (w world) rulesFor(pod *corev1.Pod, direction networkingv1.PolicyType) ([]string, bool) {
	isolated := false
	found := map[string]bool{}
	for _, policy := range w.policies {
		if policy.Namespace != pod.Namespace || !selects(&policy.Spec.PodSelector, pod.Labels) || !has(policy.Spec.PolicyTypes, direction) {
			continue
		}
		isolated = true
		if direction == networkingv1.PolicyTypeIngress {
			for _, rule := range policy.Spec.Ingress {
				for _, source := range w.peers(policy.Namespace, rule.From) {
					for _, port := range portsOf(rule.Ports, pod) {
						found["-s "+source.cidr+port] = true
					}
				}
			}
			continue
		}
		for _, rule := range policy.Spec.Egress {
			for _, target := range w.peers(policy.Namespace, rule.To) {
				for _, port := range portsOf(rule.Ports, target.pod) {
					found["-d "+target.cidr+port] = true
				}
			}
		}
	}
	rules := make([]string, 0, len(found))
	for rule := range found {
		rules = append(rules, rule)
	}
	sort.Strings(rules)
	return rules, isolated
}

type peer struct {
	cidr string
	// pod is nil for a block of addresses.
	pod *corev1.Pod
}

// peers are all that a rule names; a rule that names none is for everybody.
func (w world) peers(namespace string, from []networkingv1.NetworkPolicyPeer) []peer {
	if len(from) == 0 {
		return []peer{{cidr: "0.0.0.0/0"}}
	}
	var found []peer
	for _, each := range from {
		if each.IPBlock != nil {
			for _, cidr := range without(each.IPBlock.CIDR, each.IPBlock.Except) {
				found = append(found, peer{cidr: cidr})
			}
			continue
		}
		for _, pod := range w.pods {
			if addressOf(pod) == "" {
				continue
			}
			inNamespace := pod.Namespace == namespace
			if each.NamespaceSelector != nil {
				inNamespace = selects(each.NamespaceSelector, w.namespaces[pod.Namespace])
			}
			if inNamespace && (each.PodSelector == nil || selects(each.PodSelector, pod.Labels)) {
				found = append(found, peer{cidr: addressOf(pod), pod: pod})
			}
		}
	}
	return found
}

// portsOf gives the matches of a rule's ports; a name is looked up in the pod that receives.
func portsOf(ports []networkingv1.NetworkPolicyPort, receiver *corev1.Pod) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var found []string
	for _, port := range ports {
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		match := " -p " + strings.ToLower(string(protocol))
		switch {
		case port.Port == nil:
			found = append(found, match)
		case port.Port.Type == intstr.Int && port.EndPort != nil:
			found = append(found, fmt.Sprintf("%s --dport %d:%d", match, port.Port.IntVal, *port.EndPort))
		case port.Port.Type == intstr.Int:
			found = append(found, fmt.Sprintf("%s --dport %d", match, port.Port.IntVal))
		case receiver != nil:
			for _, container := range receiver.Spec.Containers {
				for _, named := range container.Ports {
					if named.Name == port.Port.StrVal && named.Protocol == protocol {
						found = append(found, fmt.Sprintf("%s --dport %d", match, named.ContainerPort))
					}
				}
			}
		}
	}
	return found
}

// addressOf is empty for a pod that has none of its own: not yet, no longer, or because it is on the host network.
func addressOf(pod *corev1.Pod) string {
	if pod.Spec.HostNetwork || pod.Status.PodIP == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return ""
	}
	return pod.Status.PodIP + "/32"
}

func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(set)
}

func has(types []networkingv1.PolicyType, wanted networkingv1.PolicyType) bool {
	for _, each := range types {
		if each == wanted {
			return true
		}
	}
	return false
}

// without gives the networks that together are `cidr` less `except`.
func without(cidr string, except []string) []string {
	whole, err := netip.ParsePrefix(cidr)
	if err != nil || !whole.Addr().Is4() {
		return nil
	}
	for _, text := range except {
		hole, err := netip.ParsePrefix(text)
		if err != nil || !hole.Overlaps(whole) {
			continue
		}
		if hole.Bits() <= whole.Bits() {
			return nil
		}
		bits := whole.Bits() + 1
		low := netip.PrefixFrom(whole.Addr(), bits).Masked()
		bytes := low.Addr().As4()
		bytes[(bits-1)/8] |= 1 << (7 - (bits-1)%8)
		high := netip.PrefixFrom(netip.AddrFrom4(bytes), bits)
		return append(without(low.String(), except), without(high.String(), except)...)
	}
	return []string{whole.Masked().String()}
}

const (
	mainChain   = "PARLEY-POLICIES"
	chainPrefix = "PARLEY-P-"
)

// writeChains makes the rules be these, in one step.
func writeChains(chains []chain) error {
	saved, err := iptables("iptables-save", "", "-t", "mangle")
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("*mangle\n:" + mainChain + " - [0:0]\n")
	wanted := map[string]bool{}
	for _, each := range chains {
		wanted[each.name] = true
		fmt.Fprintf(&text, ":%s - [0:0]\n", each.name)
	}
	var gone []string
	hooked := false
	for _, line := range strings.Split(saved, "\n") {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, ":"), " ")
		if strings.HasPrefix(line, ":"+chainPrefix) && !wanted[name] {
			gone = append(gone, name)
			fmt.Fprintf(&text, ":%s - [0:0]\n", name)
		}
		hooked = hooked || line == "-A FORWARD -j "+mainChain
	}
	if !hooked {
		fmt.Fprintf(&text, "-A FORWARD -j %s\n", mainChain)
	}
	fmt.Fprintf(&text, "-A %s -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n", mainChain)
	for _, each := range chains {
		fmt.Fprintf(&text, "-A %s %s -j %s\n", mainChain, each.match, each.name)
		for _, rule := range each.rules {
			fmt.Fprintf(&text, "-A %s %s -j RETURN\n", each.name, rule)
		}
		fmt.Fprintf(&text, "-A %s -j DROP\n", each.name)
	}
	for _, name := range gone {
		fmt.Fprintf(&text, "-X %s\n", name)
	}
	text.WriteString("COMMIT\n")
	_, err = iptables("iptables-restore", text.String(), "--noflush", "--wait", "5")
	return err
}

func iptables(program, input string, args ...string) (string, error) {
	command := exec.Command(program, args...)
	command.Stdin = strings.NewReader(input)
	var errors strings.Builder
	command.Stderr = &errors
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, errors.String())
	}
	return string(output), nil
}
