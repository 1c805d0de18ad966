namespace Gateway.Components;

/// <summary>Names the words that many components share: <c>Shared.resx</c>.</summary>
internal sealed class Shared;
