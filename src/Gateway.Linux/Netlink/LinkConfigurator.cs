using System.Net;
using System.Runtime.InteropServices;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Native;

namespace Gateway.Linux.Netlink;

/// <summary>
/// Brings one link to what is wanted. What it added it remembers and takes away again when no longer wanted; what it found there (an
/// address somebody else set, the kernel's own connected routes) it leaves alone.
/// <code>
/// 1. take away own routes, then own addresses, that are no longer wanted
/// 2. MTU
/// 3. add missing addresses     (an address taken away may have taken others of its subnet along: looked at again)
/// 4. link up
/// 5. add missing routes        (the last IPv4 address taken away flushes the routes: looked at again)
/// </code>
/// With thousands of routes only those are touched that changed: to look at all of them again takes longer than all the rest.
/// </summary>
internal sealed class LinkConfigurator : IDisposable
{
    // A refused host of routes has one cause; a person needs to see some, not all.
    private const int MaxProblems = 100;

    // So many of its own routes are compared with the kernel's at each call, and what somebody else removed is put back.
    private const int FewRoutes = 1000;

    private readonly Lock _lock = new();
    private readonly NetlinkSocket _socket = new();
    private readonly HashSet<InterfaceAddress> _addresses = [];
    private readonly HashSet<IPNetwork> _routes = [];
    private readonly int _index;
    private readonly bool _isTap;

    public LinkConfigurator(int index, bool isTap)
    {
        _index = index;
        _isTap = isTap;
    }

    /// <summary>The MTU that the last call of Apply left on the link; null when it set none.</summary>
    public int? AppliedMtu { get; private set; }

    public IReadOnlyList<LinkProblem> Apply(LinkSettings settings, string name)
    {
        lock (_lock)
        {
            var problems = new ProblemList(name);
            try
            {
                Apply(settings, problems);
            }
            catch (PortException e)
            {
                problems.Add(new LinkProblem($"configuration of {name}", e.Message, e.Remedy));
            }
            return problems.ToList();
        }
    }

    /// <summary>Removes all that was added: for a device that outlives this process.</summary>
    public void TakeBack(string name)
    {
        lock (_lock)
        {
            try
            {
                var batch = new NetlinkBatch(_socket);
                DeleteRoutes(batch, [.. _routes]);
                DeleteAddresses(batch, [.. _addresses]);
            }
            catch (PortException)
            {
                // The device is being given up; what it kept shows in "ip addr" and "ip route proto 71".
            }
        }
    }

    public void Dispose()
    {
        lock (_lock) _socket.Dispose();
    }

    private void Apply(LinkSettings settings, ProblemList problems)
    {
        var batch = new NetlinkBatch(_socket);
        var link = ReadLink();
        if (link is null)
        {
            problems.Add(new LinkProblem($"link {problems.Device}", Errno.Describe(Errno.NoDevice), "The device is gone or was moved to another network namespace; it is opened again by itself when gone."));
            return;
        }

        // 1. what is no longer wanted
        var wantedAddresses = new HashSet<InterfaceAddress>(settings.Addresses);
        var wantedRoutes = new HashSet<IPNetwork>(settings.Routes);
        DeleteRoutes(batch, [.. _routes.Where(route => !wantedRoutes.Contains(route))]);
        InterfaceAddress[] needless = [.. _addresses.Where(address => !wantedAddresses.Contains(address))];
        DeleteAddresses(batch, needless);

        // 2. MTU
        AppliedMtu = null;
        if (link.Mtu != settings.Mtu) SetMtu(batch, settings.Mtu, problems);
        else AppliedMtu = settings.Mtu;

        // 3. addresses
        var present = KernelNetwork.ReadAddresses(_socket, _index).Select(a => new InterfaceAddress(a.Address, a.PrefixLength)).ToHashSet();
        AddAddresses(batch, [.. wantedAddresses.Where(address => !present.Contains(Unscoped(address)))], problems);

        // 4. up
        if (!link.Up) SetUp(batch, problems);

        // 5. routes
        var mayHaveLostSome = needless.Length > 0 || !link.Up || _routes.Count <= FewRoutes;
        var installed = mayHaveLostSome && _routes.Count > 0 ? ReadInstalled() : null;
        AddRoutes(batch, [.. wantedRoutes.Where(route => !(installed ?? _routes).Contains(route))], installed, problems);
    }

    private HashSet<IPNetwork> ReadInstalled() =>
        KernelNetwork.ReadRoutes(_socket, _index).Where(r => r.Table == Rtnetlink.TableMain).Select(r => r.Prefix).ToHashSet();

    private KernelLink? ReadLink()
    {
        KernelLink? link = null;
        _ = _socket.Ask(Rtnetlink.GetLink, Rtnetlink.LinkBytes, (fixedPart, _) =>
        {
            MemoryMarshal.Write(fixedPart[4..], _index);
            return 0;
        }, (_, payload) => link = KernelNetwork.ParseLink(payload), out _);
        return link;
    }

    private void SetMtu(NetlinkBatch batch, int mtu, ProblemList problems)
    {
        PutLink(batch, up: false);
        batch.Attribute(Rtnetlink.LinkMtu, (uint)mtu).End();
        var failures = batch.Finish();
        if (failures.Count == 0) AppliedMtu = mtu;
        foreach (var failure in failures)
            problems.Add($"mtu {mtu}", failure, "Choose an MTU of 68 to 65535 bytes, with IPv6 addresses 1280 or more.");
    }

    private void SetUp(NetlinkBatch batch, ProblemList problems)
    {
        PutLink(batch, up: true);
        batch.End();
        foreach (var failure in batch.Finish()) problems.Add("link up", failure, Remedies.ForLink(failure.Error));
    }

    private void PutLink(NetlinkBatch batch, bool up)
    {
        var fixedPart = batch.Begin(Rtnetlink.NewLink, 0, Rtnetlink.LinkBytes);
        MemoryMarshal.Write(fixedPart[4..], _index);
        if (!up) return;
        MemoryMarshal.Write(fixedPart[8..], Rtnetlink.Up);
        MemoryMarshal.Write(fixedPart[12..], Rtnetlink.Up);
    }

    private void AddAddresses(NetlinkBatch batch, InterfaceAddress[] addresses, ProblemList problems)
    {
        foreach (var address in addresses) PutAddress(batch, Rtnetlink.NewAddress, Rtnetlink.FlagCreate | Rtnetlink.FlagExclusive, address);
        var failed = new HashSet<int>();
        foreach (var failure in batch.Finish())
        {
            failed.Add(failure.Index);
            problems.Add($"address {addresses[failure.Index]}", failure, Remedies.ForAddress(failure.Error, addresses[failure.Index], problems.Device));
        }
        for (var i = 0; i < addresses.Length; i++)
        {
            if (!failed.Contains(i)) _addresses.Add(addresses[i]);
        }
    }

    // Those that somebody else removed meanwhile are refused with EADDRNOTAVAIL: they are gone, as wanted.
    private void DeleteAddresses(NetlinkBatch batch, InterfaceAddress[] addresses)
    {
        foreach (var address in addresses) PutAddress(batch, Rtnetlink.DeleteAddress, 0, address);
        _ = batch.Finish();
        _addresses.ExceptWith(addresses);
    }

    private void PutAddress(NetlinkBatch batch, ushort type, ushort flags, InterfaceAddress address)
    {
        var fixedPart = batch.Begin(type, flags, Rtnetlink.AddressBytes);
        fixedPart[0] = KernelNetwork.Family(address.Address);
        fixedPart[1] = (byte)address.PrefixLength;
        // Nobody answers neighbour solicitations on a TUN: without this an IPv6 address stays tentative for a second.
        if (fixedPart[0] == SocketNumbers.Inet6 && !_isTap) fixedPart[2] = Rtnetlink.AddressNoDad;
        MemoryMarshal.Write(fixedPart[4..], _index);
        batch.Attribute(Rtnetlink.AddressLocal, address.Address).Attribute(Rtnetlink.AddressAddress, address.Address).End();
    }

    private void AddRoutes(NetlinkBatch batch, IPNetwork[] routes, HashSet<IPNetwork>? installed, ProblemList problems)
    {
        foreach (var route in routes) PutRoute(batch, Rtnetlink.NewRoute, Rtnetlink.FlagCreate | Rtnetlink.FlagExclusive, route);
        var failed = new HashSet<int>();
        foreach (var failure in batch.Finish())
        {
            failed.Add(failure.Index);
            // Somebody else, or the kernel for an address, has made the very same one: it does what is wanted.
            if (failure.Error == Errno.Exists && (installed ??= ReadInstalled()).Contains(routes[failure.Index])) continue;
            problems.Add($"route {routes[failure.Index]}", failure, Remedies.ForRoute(failure.Error, routes[failure.Index], problems.Device));
        }
        for (var i = 0; i < routes.Length; i++)
        {
            if (!failed.Contains(i)) _routes.Add(routes[i]);
        }
    }

    // Those already gone are refused with ESRCH. The own protocol number keeps another's route of the same prefix.
    private void DeleteRoutes(NetlinkBatch batch, IPNetwork[] routes)
    {
        foreach (var route in routes) PutRoute(batch, Rtnetlink.DeleteRoute, 0, route);
        _ = batch.Finish();
        _routes.ExceptWith(routes);
    }

    private void PutRoute(NetlinkBatch batch, ushort type, ushort flags, IPNetwork route)
    {
        var fixedPart = batch.Begin(type, flags, Rtnetlink.RouteBytes);
        fixedPart[0] = KernelNetwork.Family(route.BaseAddress);
        fixedPart[1] = (byte)route.PrefixLength;
        fixedPart[4] = Rtnetlink.TableMain;
        fixedPart[5] = Rtnetlink.OwnProtocol;
        fixedPart[6] = type == Rtnetlink.DeleteRoute ? Rtnetlink.ScopeNowhere
            : fixedPart[0] == SocketNumbers.Inet ? Rtnetlink.ScopeLink : Rtnetlink.ScopeUniverse;
        fixedPart[7] = Rtnetlink.Unicast;
        batch.Attribute(Rtnetlink.RouteDestination, route.BaseAddress).Attribute(Rtnetlink.RouteOutputInterface, (uint)_index).End();
    }

    private static InterfaceAddress Unscoped(InterfaceAddress address) =>
        address.Address.IsIPv6LinkLocal ? address with { Address = new IPAddress(address.Address.GetAddressBytes()) } : address;

    /// <summary>Collects what was refused, up to a number a person can read.</summary>
    private sealed class ProblemList(string device)
    {
        private readonly List<LinkProblem> _problems = [];
        private int _more;

        public string Device => device;

        public void Add(string what, NetlinkFailure failure, string remedy) => Add(new LinkProblem($"{what} dev {device}",
            failure.Message is null ? Errno.Describe(failure.Error) : $"{Errno.Describe(failure.Error)}: {failure.Message}", remedy));

        public void Add(LinkProblem problem)
        {
            if (_problems.Count < MaxProblems) _problems.Add(problem);
            else _more++;
        }

        public List<LinkProblem> ToList()
        {
            if (_more > 0) _problems.Add(new LinkProblem($"{_more} more on {device}", "refused like those before", "See those before."));
            return _problems;
        }
    }
}
