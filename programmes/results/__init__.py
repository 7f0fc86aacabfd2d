"""The results of the programme: measures, returns of figures, and the figures that staff have approved."""
