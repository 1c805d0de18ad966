using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Features.Packets;
using Gateway.Features.Status;
using Gateway.Security;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Pages;

/// <summary>Builds one packet and writes it to a tunnel's device or to a peer, to see what becomes of it.</summary>
public sealed partial class Craft : DashboardPage
{
    private const string Hex = "hex";

    private readonly FormErrors _errors = new();
    private IReadOnlyList<TunnelResponse>? _tunnels;
    private string? _tunnel, _peer, _hex, _source, _destination, _payload;
    private string? _sourcePort = "40000", _destinationPort = "80", _flags = "SYN", _ttl = "64", _mac = "ff:ff:ff:ff:ff:ff";
    private string _to = PacketTargets.Device, _kind = CraftedPacket.Icmp;
    private PacketResponse? _sent;
    private bool _busy;

    [Inject]
    private PacketService Service { get; set; } = default!;

    [Inject]
    private StatusService Status { get; set; } = default!;

    [Inject]
    private Caller Caller { get; set; } = default!;

    private bool MayCraft => Caller.May(Permission.Administer);

    private bool IsEthernet => _tunnels?.FirstOrDefault(t => t.Name == _tunnel)?.Layer == Layers.Ethernet;

    private (string, string)[] Tunnels_ => [.. (_tunnels ?? []).Select(t => (t.Name, t.Name))];

    private (string, string)[] Targets => [(PacketTargets.Device, L["ToDevice"]), (PacketTargets.Peer, L["ToPeer"])];

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        if (!MayCraft) return;
        _tunnels = (await Status.GetAsync(Leaving)).Succeeded(out var status, out var failure) ? status.Tunnels : [];
        _errors.Take(failure);
        _tunnel = _tunnels is [var first, ..] ? first.Name : null;
    }

    private CraftedPacket Written() => new()
    {
        Protocol = _kind,
        Source = _source,
        Destination = _destination,
        SourcePort = _sourcePort,
        DestinationPort = _destinationPort,
        Flags = _flags,
        Ttl = _ttl,
        Payload = _payload,
        DestinationMac = IsEthernet ? _mac : null,
    };

    private byte[]? Preview()
    {
        if (_kind != Hex) return Written().Build().Value;
        var digits = string.Concat((_hex ?? "").Where(c => !char.IsWhiteSpace(c)));
        return digits.Length > 0 && digits.Length % 2 == 0 && digits.All(char.IsAsciiHexDigit) ? Convert.FromHexString(digits) : null;
    }

    private async Task SendAsync()
    {
        if (_busy) return;
        _sent = null;
        var hex = _hex;
        if (_kind != Hex)
        {
            if (!Written().Build().Succeeded(out var bytes, out var wrong))
            {
                _errors.Take(wrong);
                return;
            }

            hex = Convert.ToHexStringLower(bytes);
        }

        _busy = true;
        var request = new PacketRequest { To = _to, Peer = _to == PacketTargets.Peer ? _peer : null, Hex = hex };
        (await Service.WriteAsync(_tunnel ?? "", request, CancellationToken.None)).Succeeded(out _sent, out var failure);
        _errors.Take(failure);
        _busy = false;
    }
}
