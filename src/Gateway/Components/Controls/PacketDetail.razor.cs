using Gateway.Contracts.Live;
using Gateway.Features.Packets.Reading;
using Microsoft.AspNetCore.Components;

namespace Gateway.Components.Controls;

/// <summary>One packet: its layers as a tree and its bytes, each showing what is chosen in the other.</summary>
public sealed partial class PacketDetail : ComponentBase
{
    private IReadOnlyList<PacketPart> _parts = [];
    private PacketPart? _part;
    private string? _conversation;
    private PacketRow? _read;

    /// <summary>The packet.</summary>
    [Parameter, EditorRequired]
    public required PacketRow Packet { get; set; }

    /// <summary>Called when it is to be put away.</summary>
    [Parameter]
    public EventCallback Closed { get; set; }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        if (ReferenceEquals(_read, Packet)) return;
        _read = Packet;
        _part = null;
        _parts = PacketDissector.Dissect(Packet);
        _conversation = Follow(PacketFacts.Read(Packet.Data, Packet.Layer == Contracts.Layers.Ethernet));
    }

    private string? Follow(PacketFacts facts) => facts is { Source: { } source, Destination: { } destination, Protocol: { } protocol }
        ? $"/packets?tunnel={Uri.EscapeDataString(Packet.Tunnel)}&filter={Uri.EscapeDataString(Conversation.Filter(protocol, source.Address.ToString(), facts.SourcePort, destination.Address.ToString(), facts.DestinationPort))}"
        : null;

    private void Mark(PacketPart part) => _part = part;

    /// <summary>The innermost part that the byte belongs to.</summary>
    private void Pick(int at)
    {
        var parts = _parts;
        while (parts.FirstOrDefault(p => at >= p.Offset && at < p.Offset + p.Length) is { } inner) (_part, parts) = (inner, inner.Parts);
    }
}
