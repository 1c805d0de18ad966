namespace Gateway.Contracts;

/// <summary>A piece of a list.</summary>
/// <typeparam name="T">What is listed.</typeparam>
/// <param name="Items">This piece.</param>
/// <param name="NextCursor">To be sent as <c>cursor</c> for the next piece; null at the end.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);
